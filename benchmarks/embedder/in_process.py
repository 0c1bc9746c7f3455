"""Baseline of serving: the same decoding and the same session, called without a server.

Threads take a few crops each, prepare them and run them, so that no core waits for another.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import TypeVar

from benchmarks.common.models import MODELS, exported, model_file
from services.embedder.images.decoding import ByteArray
from services.embedder.images.parts import PreparedCrop, prepare_parts
from services.embedder.images.photograph import Photograph
from services.embedder.inference import devices
from services.embedder.inference.backbones import preprocessing
from services.embedder.inference.devices import Lane

ItemT = TypeVar("ItemT")

# batch of the embedder on a CPU; 1, 4 and 16 are equally fast
BATCH = 4


class InProcess:
    """One backbone in this process. workers: worker threads; threads: threads of one run of the session."""

    def __init__(
        self, model_id: str, *, workers: int, threads: int = 1, batch: int = BATCH, models: Path = MODELS
    ) -> None:
        manifest = exported(model_id, models)
        session = devices.open_session(
            model_file(model_id, models), "cpu", threads=threads, input_size=manifest.input_size
        )
        self._preprocessing = preprocessing(manifest)
        self._batch = batch
        self._lanes = [Lane(session, batch, manifest.input_size) for _ in range(workers)]

    def prepare(self, content: bytes) -> ByteArray:
        """The model input of an image file."""
        return self._preprocessing.apply(content)

    def embed(self, files: Sequence[bytes]) -> None:
        """Decode and run every file."""
        self._share_out(files, lambda lane, some: lane.run([self.prepare(content) for content in some]))

    def embed_photographs(self, photographs: Sequence[Photograph]) -> None:
        """Decode every image once, and run all of its parts."""
        self._share_out(photographs, self._run_parts, each=1)

    def run(self, pixels: Sequence[ByteArray]) -> None:
        """Run decoded images."""
        self._share_out(pixels, lambda lane, some: lane.run(some))

    def one_by_one(self, files: Sequence[bytes]) -> list[float]:
        """Seconds to decode and run each file, one at a time."""
        taken = []
        for content in files:
            started_s = time.perf_counter()
            self._lanes[0].run([self.prepare(content)])
            taken.append(time.perf_counter() - started_s)
        return taken

    def _run_parts(self, lane: Lane, photographs: Sequence[Photograph]) -> None:
        for photograph in photographs:
            prepared = prepare_parts(photograph, self._preprocessing, None)
            pixels = [part.pixels for part in prepared if isinstance(part, PreparedCrop)]
            for start in range(0, len(pixels), self._batch):
                lane.run(pixels[start : start + self._batch])

    def _share_out(
        self, items: Sequence[ItemT], work: Callable[[Lane, Sequence[ItemT]], object], each: int = 0
    ) -> None:
        size = each or self._batch
        starts, lock = iter(range(0, len(items), size)), Lock()

        def pull(lane: Lane) -> None:
            for start in _locked(starts, lock):
                work(lane, items[start : start + size])

        with ThreadPoolExecutor(len(self._lanes)) as threads:
            list(threads.map(pull, self._lanes))


def _locked(numbers: Iterator[int], lock: Lock) -> Iterator[int]:
    """Iterate over numbers that several threads share."""
    while True:
        with lock:
            number = next(numbers, None)
        if number is None:
            return
        yield number
