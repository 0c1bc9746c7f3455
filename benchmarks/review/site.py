"""Services, page and a survey of 12-megapixel photographs, as processes on loopback."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from spotted.arrays import Float32Array
from spotted.client import EmbeddingSpec, Spotted
from spotted.formats.layouts.recognition import PHOTOGRAPHS
from spotted.formats.sources import Source, remember
from spotted.local import review_keys
from spotted.local.processes import (
    LocalRun,
    Member,
    end,
    free_port,
    start_page,
    start_service,
    start_store,
    wait,
)
from spotted.survey import Camera, Detection, ImageBox, Side, Survey

SURVEY, SESSION = "kruger", "main"
WIDTH, HEIGHT, QUALITY = 4000, 3000, 80
# different files; every other photograph is a link to one of them, which the page cannot know
FILES = 8
DIMENSION, ANIMALS, NOISE = 8, 15, 0.4
CAMERAS, CAMERA_STEP_M = 6, 900.0
START_S, STEP_S = 1_700_000_000.0, 4000.0
# an animal takes this share of the width of its photograph, and of the height
SMALLEST, LARGEST = 0.2, 0.5
SPEC = EmbeddingSpec(backbone_digest="b", preprocessing_digest="p", dimension=DIMENSION)


@dataclass(frozen=True, slots=True)
class Site:
    """A running page with a survey whose first round is planned."""

    address: str
    """Where the page is served."""
    directory: Path
    """Its data directory."""
    photograph: bytes
    """One of the photographs."""

    def entrance(self) -> str:
        """The address that lets one person in, once."""
        opened = review_keys.Opened("anna", SURVEY, SESSION)
        return f"{self.address}/#k={review_keys.make(self.directory, opened)}"


@contextmanager
def running(root: Path, *, detections: int) -> Iterator[Site]:
    """A page over services of its own, which end with the context. Raises UnavailableError."""
    data, folder = root / "data", root / "photographs"
    data.mkdir()
    folder.mkdir()
    photographs = _write(folder, detections)
    members: list[Member] = []

    def started(member: Member) -> str:
        members.append(member)
        wait(member, data / f"{member.role}.log")
        return member.address

    try:
        url = f"redis://{started(start_store(data, free_port()))}/0"
        scorer = started(start_service("scorer", data, free_port(), url, "", {}))
        sampler = started(start_service("sampler", data, free_port(), url, scorer, {}))
        _plan(scorer, sampler, data, folder, detections)
        # nothing is embedded: any address will do
        run = LocalRun(data, (*members, replace(members[1], role="embedder")))
        page = started(start_page(run, free_port()))
        yield Site(f"http://{page}", data, photographs[0])
    finally:
        for member in reversed(members):
            end(member)


def photograph(seed: int) -> bytes:
    """A JPEG as camera traps take it: soft shapes, and the grain of night."""
    rng = np.random.default_rng(seed)
    soft = Image.fromarray(rng.integers(40, 200, (60, 80, 3), dtype=np.uint8)).resize((WIDTH, HEIGHT))
    grain = rng.normal(0.0, 6.0, (HEIGHT, WIDTH, 1)).astype(np.float32)
    pixels = np.clip(np.asarray(soft, np.float32) + grain, 0, 255).astype(np.uint8)
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "JPEG", quality=QUALITY)
    return written.getvalue()


def _write(folder: Path, count: int) -> list[bytes]:
    """Photographs into a folder; those that differ."""
    contents = [photograph(seed) for seed in range(min(FILES, count))]
    for number in range(count):
        path = folder / _file(number)
        if number < len(contents):
            path.write_bytes(contents[number])
        else:
            path.hardlink_to(folder / _file(number % FILES))
    return contents


def _file(number: int) -> str:
    return f"IMG_{number:04}.JPG"


def _plan(scorer: str, sampler: str, data: Path, folder: Path, count: int) -> None:
    """Import the survey, create the session and let it plan its first round."""
    with Spotted(embedder=scorer, scorer=scorer, sampler=sampler) as spotted:
        survey = spotted.create_survey(
            Survey(SURVEY, START_S - STEP_S, START_S + (count + 1) * STEP_S, "", _cameras())
        )
        survey.add_detections(_detections(folder, count), _vectors(count), SPEC)
        session = survey.create_session(SESSION)
        # a question that is no longer leased when the person comes
        session.next_pairs("planner", lease_s=0.01)
    remember(data, SURVEY, Source(package=str(folder), layout=PHOTOGRAPHS))


def _cameras() -> dict[str, Camera]:
    return {f"c{n}": Camera(f"c{n}", x_m=CAMERA_STEP_M * n, y_m=0.0) for n in range(CAMERAS)}


def _detections(folder: Path, count: int) -> list[Detection]:
    rng = np.random.default_rng(1)
    found = []
    for number in range(count):
        width, height = rng.uniform(SMALLEST, LARGEST, 2)
        left, top = rng.uniform(0.0, 1.0 - width), rng.uniform(0.0, 1.0 - height)
        found.append(
            Detection(
                f"d{number:04}",
                f"c{number % CAMERAS}",
                START_S + number * STEP_S,
                image_id=f"d{number:04}",
                side=Side.LEFT,
                image_uri=str(folder / _file(number)),
                box=ImageBox(left, top, width, height),
            )
        )
    return found


def _vectors(count: int) -> Float32Array:
    rng = np.random.default_rng(0)
    look = rng.normal(size=(ANIMALS, DIMENSION))
    return np.asarray(
        look[np.arange(count) % ANIMALS] + NOISE * rng.normal(size=(count, DIMENSION)), np.float32
    )
