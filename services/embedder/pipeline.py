"""Encoded images to unit vectors, for any number of concurrent callers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.embedder.backbones import Backbone
from services.embedder.batching import Batcher, Timings
from services.embedder.images import MAX_PIXELS, Box, ByteArray
from spotted.errors import PreconditionError
from spotted.survey import Float32Array

# on two cores batches of 1, 4 and 16 are equally fast; small ones answer sooner
MAX_BATCH = 4
MAX_QUEUE = 256


@dataclass(frozen=True, slots=True)
class ImageCrop:
    """An encoded JPEG, PNG or WebP image, and which part of it shows the animal (None: all of it)."""

    content: bytes
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Embedding:
    """The (dimension,) float32 unit vector of a crop, and where its time went."""

    vector: Float32Array
    timings: Timings


class ImageEmbedder:
    """Embeds crops with one backbone; decoding, cropping and resizing run in its workers too.

    workers: threads; on a CPU as many as cores, each running the backbone by itself.
    max_batch, max_queue: as of `Batcher`. max_pixels: largest image accepted.
    """

    def __init__(
        self,
        backbone: Backbone,
        *,
        workers: int,
        max_batch: int = MAX_BATCH,
        max_queue: int = MAX_QUEUE,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self.backbone = backbone
        self.max_pixels = max_pixels
        self._batcher = Batcher(
            self._prepare, self._embed, workers=workers, max_batch=max_batch, max_queue=max_queue
        )

    @property
    def waiting(self) -> int:
        """How many crops no worker has taken yet."""
        return self._batcher.waiting

    async def embed(
        self, crop: ImageCrop, deadline_s: float | None = None, *, patient: bool = False
    ) -> Embedding:
        """The embedding of one crop; deadline_s and patient as of `Batcher.submit`.

        Raises UnreadableImageError for an image or box that cannot be used, PreconditionError where the
        backbone makes no finite vector, and what `Batcher.submit` raises.
        """
        finished = await self._batcher.submit(crop, deadline_s, patient=patient)
        return Embedding(finished.result, finished.timings)

    async def close(self) -> None:
        """Finish what was admitted and end the workers."""
        await self._batcher.close()

    def _prepare(self, crop: ImageCrop) -> ByteArray:
        return self.backbone.preprocessing.apply(crop.content, crop.box, max_pixels=self.max_pixels)

    def _embed(self, images: Sequence[ByteArray]) -> Sequence[Float32Array | PreconditionError]:
        return self.backbone.embed(np.stack(images))
