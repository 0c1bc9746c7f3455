"""Another organisation's survey that is worked on during the attacks, and how long its calls take.

The calls are made by a process of its own, so that what the attacks cost their own process delays none.
"""

from __future__ import annotations

import io
import itertools
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from PIL import Image

from spotted.client import Crop, Label, Spotted
from spotted.client.credentials import Credentials
from spotted.client.survey_messages import embedding_spec
from spotted.constraints.answers import Answer
from spotted.errors import SpottedError
from spotted.survey import Camera, Detection, Survey
from spotted.v1 import survey_pb2
from tools.attack.site import CALL_S, Site

SURVEY, SESSION, DIMENSION, DETECTIONS = "quiet", "main", 16, 200
SPEC = embedding_spec(
    survey_pb2.EmbeddingSpec(backbone_digest="b", preprocessing_digest="p", dimension=DIMENSION)
)
WIDTH, HEIGHT = 1600, 1200
P99 = 99.0
# fewer calls have no p99
FEWEST = 100

# beginning, seconds, error
Sample = tuple[float, float, str]
Window = tuple[float, float]


def fill(client: Spotted, survey_id: str, *, detections: int = DETECTIONS) -> list[Detection]:
    """A survey with detections, whose vectors are drawn at random."""
    cameras = {c: Camera(c, x_m=2000.0 * n, y_m=0.0) for n, c in enumerate(("c0", "c1", "c2", "c3"))}
    survey = client.create_survey(Survey(survey_id, 0.0, 1e9, cameras=cameras))
    made = [Detection(f"d{n:05}", f"c{n % 4}", 400.0 * n) for n in range(detections)]
    vectors = np.random.default_rng(0).normal(size=(detections, DIMENSION)).astype(np.float32)
    survey.add_detections(made, vectors, SPEC)
    return made


def photograph(width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """An ordinary JPEG."""
    levels = np.random.default_rng(0).integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(levels).resize((width, height), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=90)
    return stream.getvalue()


class Bystanders:
    """Calls to each service one after the other, recorded in files."""

    def __init__(self, site: Site, *, pause_s: float) -> None:
        """Fill the survey. pause_s: between two calls to a service."""
        self._directory = site.directory / "bystanders"
        self._directory.mkdir()
        token = site.token("quiet")[1]
        with site.client(token) as client:
            fill(client, SURVEY)
            client.survey(SURVEY).create_session(SESSION, strategy="greedy")
        context = multiprocessing.get_context("spawn")
        arguments = (site.addresses, token, self._directory, pause_s)
        self._process = context.Process(target=work, args=arguments, daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.join()

    def samples(self) -> dict[str, list[Sample]]:
        """All calls so far by service."""
        return {file.stem: _read(file) for file in sorted(self._directory.glob("*.txt"))}

    def errors(self, window: Window) -> list[str]:
        """Errors of calls that began within a window."""
        return [f"another survey's {role} call failed: {e}" for role, _, e in self._within([window]) if e]

    def p99_s(self, windows: Iterable[Window]) -> dict[str, float]:
        """The p99 of the calls that began within windows, by service."""
        times: dict[str, list[float]] = {}
        for role, seconds, _ in self._within(list(windows)):
            times.setdefault(role, []).append(seconds)
        return {
            role: float(np.percentile(those, P99)) for role, those in times.items() if len(those) >= FEWEST
        }

    def _within(self, windows: Sequence[Window]) -> list[tuple[str, float, str]]:
        return [
            (role, seconds, error)
            for role, samples in self.samples().items()
            for begun_s, seconds, error in samples
            if any(start <= begun_s <= end for start, end in windows)
        ]


def work(addresses: Mapping[str, str], token: str, directory: Path, pause_s: float) -> None:
    """The process: a thread for each service, until it is killed."""
    client = Spotted(**addresses, timeout_s=CALL_S, credentials=Credentials(token))
    calls = {"embedder": _embedding(client), "scorer": _asking(client), "sampler": _answering(client)}
    threads = [
        threading.Thread(target=_repeat, args=(call, directory / f"{role}.txt", pause_s))
        for role, call in calls.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _repeat(call: Callable[[], object], file: Path, pause_s: float) -> None:
    with file.open("w", buffering=1) as written:
        while True:
            begun_s, error = time.monotonic(), ""
            try:
                call()
            except SpottedError as raised:
                error = f"{type(raised).__name__}: {raised}".replace("\n", " ")
            written.write(f"{begun_s} {time.monotonic() - begun_s} {error}\n")
            time.sleep(pause_s)


def _embedding(client: Spotted) -> Callable[[], object]:
    content = photograph()

    def call() -> None:
        (embedded,) = client.embed([Crop("a", content)], survey_id=SURVEY)
        if embedded.vector is None:
            raise SpottedError(embedded.error)

    return call


def _asking(client: Spotted) -> Callable[[], object]:
    rng = np.random.default_rng(1)
    unstored = Detection("new", "c1", 5000.0)

    def call() -> None:
        vector = rng.normal(size=DIMENSION).astype(np.float32)
        client.survey(SURVEY).query_candidates(unstored, vector, SPEC, top_k=10)

    return call


def _answering(client: Spotted) -> Callable[[], object]:
    session, waiting = client.survey(SURVEY).session(SESSION), iter([Label("", "", Answer.SKIP, "")][:0])
    numbers = itertools.count()

    def call() -> None:
        nonlocal waiting
        label = next(waiting, None)
        if label is not None:
            session.submit_labels([label])
            return
        asked = session.next_pairs(f"anna-{next(numbers)}", count=8).pairs
        waiting = iter(
            [Label(p.first.detection_id, p.second.detection_id, Answer.DIFFERENT, "anna") for p in asked]
        )

    return call


def _read(file: Path) -> list[Sample]:
    # the last line may not be whole yet
    lines = file.read_text().split("\n")[:-1]
    parts = (line.split(" ", 2) for line in lines)
    return [(float(begun_s), float(seconds), error) for begun_s, seconds, error in parts]
