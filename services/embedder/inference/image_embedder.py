"""Encoded images to unit vectors, for any number of concurrent callers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from services.common.survey.heads import StoredHead
from services.common.telemetry import metrics, tracing
from services.embedder.images.decoding import MAX_PIXELS, ByteArray
from services.embedder.images.preprocessing import ImageCrop, Preprocessing
from services.embedder.inference.backbones import Backbone
from services.embedder.inference.batching import Batcher, Limits, Timings
from services.embedder.inference.fair_queue import Share
from spotted.arrays import Float32Array
from spotted.errors import DeadlineError, OverloadedError, PreconditionError


@dataclass(frozen=True, slots=True)
class Embedding:
    """The (dimension,) float32 unit vector of a crop, and where its time went."""

    vector: Float32Array
    timings: Timings


@dataclass(frozen=True, slots=True)
class Way:
    """How a call wants its crops embedded, and for whom. head: None for base embeddings."""

    share: Share
    preprocessing: Preprocessing
    head: StoredHead | None = None


@dataclass(frozen=True, slots=True)
class _Task:
    crop: ImageCrop
    way: Way


@dataclass(frozen=True, slots=True)
class _Prepared:
    pixels: ByteArray
    head: StoredHead | None


def limits_for(backbone: Backbone, workers: int) -> Limits:
    """What suits the backbone's device; workers: threads, as many as cores."""
    if backbone.device == "cpu":
        # each core prepares a few and runs them while they are in its cache
        return Limits(workers, runs=workers, claim=backbone.max_batch, max_batch=backbone.max_batch)
    # all cores decode for one device, which takes its next batch while it runs the last
    return Limits(max(2, workers), runs=2, claim=1, max_batch=backbone.max_batch)


class ImageEmbedder:
    """Embeds crops with one backbone; decoding, cropping and resizing run in its workers too.

    limits: None takes those of one worker. max_pixels: largest image accepted.
    """

    def __init__(
        self, backbone: Backbone, limits: Limits | None = None, *, max_pixels: int = MAX_PIXELS
    ) -> None:
        self.backbone = backbone
        self.max_pixels = max_pixels
        self._batcher = Batcher(self._prepare, self._embed, limits or limits_for(backbone, 1))

    @property
    def limits(self) -> Limits:
        """How much it does at once."""
        return self._batcher.limits

    @property
    def waiting(self) -> int:
        """How many crops no worker has taken yet."""
        return self._batcher.waiting

    async def embed(self, crop: ImageCrop, way: Way, deadline_s: float | None = None) -> Embedding:
        """The embedding of one crop; deadline_s as of `Batcher.submit`.

        Raises UnreadableImageError for an image, box or mask that cannot be used, PreconditionError where
        the backbone makes no finite vector, and what `Batcher.submit` raises.
        """
        task = _Task(crop, way)
        size = len(crop.content)
        with _refusals_counted():
            finished = await self._batcher.submit(task, way.share, size=size, deadline_s=deadline_s)
        spent = finished.timings
        metrics.EMBED_QUEUE_S.observe(spent.queued_s)
        tracing.record([("queue", spent.queued_s), ("prepare", spent.prepared_s), ("infer", spent.worked_s)])
        return Embedding(finished.result, spent)

    async def close(self) -> None:
        """Finish what was admitted and end the workers."""
        await self._batcher.close()

    def _prepare(self, task: _Task) -> _Prepared:
        pixels = task.way.preprocessing.apply(task.crop, max_pixels=self.max_pixels)
        return _Prepared(pixels, task.way.head)

    def _embed(self, prepared: Sequence[_Prepared]) -> Sequence[Float32Array | PreconditionError]:
        metrics.EMBED_BATCH_IMAGES.observe(len(prepared))
        with metrics.EMBED_INFER_S.time():
            vectors = self.backbone.embed([one.pixels for one in prepared])
        for head in {one.head.digest: one.head for one in prepared if one.head}.values():
            _adapt(
                vectors, [one.head is not None and one.head.digest == head.digest for one in prepared], head
            )
        return vectors


@contextmanager
def _refusals_counted() -> Iterator[None]:
    try:
        yield
    except OverloadedError:
        metrics.EMBED_REFUSED_FULL.inc()
        raise
    except DeadlineError:
        metrics.EMBED_REFUSED_LATE.inc()
        raise


def _adapt(vectors: list[Float32Array | PreconditionError], chosen: Sequence[bool], head: StoredHead) -> None:
    """Replace the chosen vectors by what a head makes of them."""
    base = {
        i: v
        for i, (v, yes) in enumerate(zip(vectors, chosen, strict=True))
        if yes and isinstance(v, np.ndarray)
    }
    if base:
        for i, adapted in zip(base, head.apply(np.stack(list(base.values()))), strict=True):
            vectors[i] = adapted
