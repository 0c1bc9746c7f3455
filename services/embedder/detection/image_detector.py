"""Image files to boxes, for any number of concurrent callers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from services.embedder.detection.detectors import Detector, PreparedImage
from services.embedder.images.decoding import decode
from services.embedder.images.footprints import image_footprint
from services.embedder.images.headers import MAX_PIXELS
from services.embedder.inference.batching import Batcher
from services.embedder.inference.decoding_budget import DecodingBudget, Hold
from services.embedder.inference.fair_queue import Share
from services.embedder.inference.limits import Limits
from spotted.errors import DeadlineError
from spotted.formats.detectors import FoundAnimals

# a single run: it waits for room, and nobody else does
SHARE = Share("", bulk=True)


@dataclass(frozen=True, slots=True)
class _Task:
    content: bytes
    hold: Hold | None = None


class ImageDetector:
    """Finds animals in image files; workers decode the next ones while the detector runs.

    workers: threads. budget: memory for decoding.
    """

    def __init__(
        self, detector: Detector, *, workers: int, budget: DecodingBudget, max_pixels: int = MAX_PIXELS
    ) -> None:
        self.detector = detector
        self._budget = budget
        self._max_pixels = max_pixels
        # one run uses all cores, and takes the memory of one
        limits = Limits(max(2, workers), runs=1, claim=1, max_batch=detector.max_batch)
        self._batcher = Batcher(self._prepare, detector.detect, limits, ready=self._ready)

    async def detect(self, content: bytes) -> FoundAnimals:
        """The boxes in an image file.

        Raises UnreadableImageError for an image that cannot be used, and the errors of `Detector.detect`.
        """
        finished = await self._batcher.submit(_Task(content), SHARE, size=len(content))
        return finished.result

    async def close(self) -> None:
        """Finish all admitted images and stop the workers."""
        await self._batcher.close()

    @asynccontextmanager
    async def _ready(self, task: _Task, share: Share) -> AsyncIterator[_Task]:
        needed = await asyncio.to_thread(image_footprint, task.content, max_pixels=self._max_pixels)
        async with self._budget.held(share, needed) as hold:
            yield replace(task, hold=hold)

    def _prepare(self, task: _Task) -> list[PreparedImage | Exception]:
        if task.hold is None or not task.hold.begin():
            raise DeadlineError("the run ended before this photograph was decoded; start it again")
        try:
            return [self.detector.prepare(decode(task.content, max_pixels=self._max_pixels))]
        finally:
            task.hold.end()
