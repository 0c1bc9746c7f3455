"""The review page as a person has it: store, services and page as processes, and drawn photographs."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from spotted.client import EmbeddingSpec, SessionHandle, Spotted
from spotted.client.values.surveys import LocalFeatureSpec
from spotted.formats.layouts.recognition import PHOTOGRAPHS
from spotted.formats.sources import Source, remember
from spotted.local import processes, review_keys
from spotted.survey import Camera, Detection, ImageBox, Side, Survey
from tests.faults.deployment import Deployment, Service
from tests.waiting import until

SPEC = EmbeddingSpec(backbone_digest="b", preprocessing_digest="p", dimension=8)
ANIMALS, EACH, CAMERAS = 12, 4, 5
COUNT = ANIMALS * EACH
SIZE = (640, 480)
START_S, STEP_S, FRAME_S = 1_700_000_000.0, 4000.0, 2.0


def detection_id(number: int) -> str:
    return f"d{number:02}"


@dataclass
class Site:
    """A running page and the services behind it."""

    address: str
    spotted: Spotted
    sampler: Service
    directory: Path

    def session(self, survey_id: str) -> SessionHandle:
        return self.spotted.survey(survey_id).session("main")

    def entrance(self, survey_id: str = "", annotator: str = "anna") -> str:
        """The address that lets one person in, once."""
        opened = review_keys.Opened(annotator, survey_id, "main" if survey_id else "")
        return f"{self.address}/#k={review_keys.make(self.directory, opened)}"

    @property
    def photographs(self) -> Path:
        """The folder of the photographs of all surveys."""
        return self.directory.parent / "photographs"

    def add_survey(self, survey_id: str, *, strategy: str = "greedy", burst: bool = False) -> None:
        """A survey of twelve animals, four photographs each, with a session `main`.

        burst: whether the four photographs of the first animal are frames of one burst.
        """
        folder = self.photographs
        shown = _detections(folder, burst=burst)
        times = [one.captured_at_s for one in shown if one.captured_at_s is not None]
        survey = self.spotted.create_survey(
            Survey(
                survey_id,
                min(times) - STEP_S,
                max(times) + STEP_S,
                "",
                _cameras(),
                time_zone="Africa/Nairobi",
            )
        )
        survey.add_detections(shown, _vectors(), SPEC)
        survey.create_session("main", strategy=strategy)
        remember(self.directory, survey_id, Source(package=str(folder), layout=PHOTOGRAPHS))

    def match_marks(self, survey_id: str, detection_ids: Iterable[str]) -> None:
        """Extract the marks of some photographs, and match each with all others."""
        # needs OpenCV
        from spotted.local_features import open_extractor  # noqa: PLC0415

        extractor, survey = open_extractor("hotspotter"), self.spotted.survey(survey_id)
        features = {i: extractor.extract(_crop(self.photographs / f"{i}.jpg")) for i in detection_ids}
        spec = LocalFeatureSpec(method=extractor.spec.name, digest=extractor.spec.digest)
        survey.add_local_features({i: one.to_bytes() for i, one in features.items()}, spec)
        survey.match_local_features()
        until(lambda: survey.info().local_pair_count, "marks are matched")


@contextmanager
def running_site(root: Path) -> Iterator[Site]:
    """Everything on free ports; gone when the context ends."""
    data, folder = root / "data", root / "photographs"
    data.mkdir()
    folder.mkdir()
    for number in range(COUNT):
        _draw(number).save(folder / f"{detection_id(number)}.jpg", quality=85)
    with Deployment(root) as deployment:
        store = deployment.store()
        scorer = deployment.service("scorer", store.url)
        sampler = deployment.service("sampler", store.url, scorer.address)
        with (
            Spotted(embedder=scorer.address, scorer=scorer.address, sampler=sampler.address) as spotted,
            _page(data, scorer.address, sampler.address) as address,
        ):
            yield Site(address, spotted, sampler, data)


@contextmanager
def _page(data: Path, scorer: str, sampler: str) -> Iterator[str]:
    listen = f"{processes.LOOPBACK}:{processes.free_port()}"
    environment = {
        **os.environ,
        "SPOTTED_DATA_DIR": str(data),
        "SPOTTED_LISTEN": listen,
        "SPOTTED_EMBEDDER_ADDRESS": scorer,
        "SPOTTED_SCORER_ADDRESS": scorer,
        "SPOTTED_SAMPLER_ADDRESS": sampler,
    }
    with (data / "review.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.review"], env=environment, stdout=log, stderr=log
        )
    try:
        until(lambda: process.poll() is not None or _healthy(listen), "the page serves")
        assert process.poll() is None, (data / "review.log").read_text()
        yield f"http://{listen}"
    finally:
        process.kill()
        process.wait()


def _healthy(listen: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{listen}/healthz", timeout=1.0) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _detections(folder: Path, *, burst: bool) -> list[Detection]:
    return [_detection(folder, number, in_burst=burst and number % ANIMALS == 0) for number in range(COUNT)]


def _detection(folder: Path, number: int, *, in_burst: bool) -> Detection:
    at_s = (number // ANIMALS) * FRAME_S if in_burst else number * STEP_S
    return Detection(
        detection_id(number),
        "c0" if in_burst else f"c{number % CAMERAS}",
        START_S + at_s,
        image_id=detection_id(number),
        side=Side.LEFT if number % 2 else Side.UNKNOWN,
        image_uri=str(folder / f"{detection_id(number)}.jpg"),
        box=ImageBox(0.25, 0.25, 0.5, 0.5),
    )


def _crop(path: Path) -> np.ndarray:
    """The pixels in the box of a detection."""
    with Image.open(path) as image:
        width, height = image.size
        return np.asarray(image.crop((width // 4, height // 4, 3 * width // 4, 3 * height // 4)))


def _cameras() -> dict[str, Camera]:
    return {f"c{n}": Camera(f"c{n}", x_m=900.0 * n, y_m=400.0 * (n % 2)) for n in range(CAMERAS)}


def _vectors() -> np.ndarray:
    rng = np.random.default_rng(0)
    look = rng.normal(size=(ANIMALS, 8))
    return np.asarray(look[np.arange(COUNT) % ANIMALS] + 0.4 * rng.normal(size=(COUNT, 8)), np.float32)


def _draw(number: int) -> Image.Image:
    """An animal with stripes of its own in front of grass."""
    rng = np.random.default_rng(number % ANIMALS)
    image = Image.new("RGB", SIZE, (90 + number, 110, 70))
    draw = ImageDraw.Draw(image)
    draw.ellipse((170, 130, 470, 350), fill=(170, 120, 60))
    for x in rng.integers(200, 440, 7):
        draw.line((int(x), 160, int(x) + 15, 320), fill=(240, 230, 210), width=6)
    return image
