"""Encoded images to unit vectors, for any number of concurrent callers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace

import numpy as np

from services.common.memory import MIB, memory_limit_bytes
from services.embedder.images import separate_process
from services.embedder.images.footprints import NOTHING, encoded_bytes, footprint, open_header
from services.embedder.images.headers import MAX_PIXELS, Header, is_brief
from services.embedder.images.local_extraction import LoadedExtractor
from services.embedder.images.parts import PART_ERRORS, PartError, PreparedCrop, prepare_parts
from services.embedder.images.photograph import Photograph
from services.embedder.images.preprocessing import Preprocessing
from services.embedder.inference.backbones import Backbone
from services.embedder.inference.batching import Batcher
from services.embedder.inference.decoding_budget import DecodingBudget, Hold
from services.embedder.inference.fair_queue import Share
from services.embedder.inference.limits import Limits
from services.embedder.inference.pending import Finished, Timings
from services.embedder.inference.slow_lane import QUICK_COST, SlowLane
from services.embedder.inference.stored import Head
from services.embedder.reports import NO_REPORTS, Reports
from spotted.arrays import Float32Array
from spotted.errors import DeadlineError, OverloadedError, PreconditionError

MOST_QUEUED_BYTES = 256 * MIB


@dataclass(frozen=True, slots=True)
class Embedding:
    """The vector of a crop."""

    vector: Float32Array
    """(dimension,), unit length."""
    timings: Timings
    """Time spent in each stage."""
    local_features: bytes = b""
    """Empty if none were requested."""
    cells: Float32Array | None = None
    """(rows, columns, dimension) part of each cell in the vector, if requested."""


@dataclass(frozen=True, slots=True)
class EmbedPlan:
    """How the crops of one call are embedded."""

    share: Share
    """Share of the queue that the crops take."""
    preprocessing: Preprocessing
    """Steps from the image file to pixels."""
    head: Head | None = None
    """Adaptation head to apply; None: base embeddings."""
    extractor: LoadedExtractor | None = None
    """Extracts local features as well; None: none."""
    cells: bool = False
    """Whether the part of each cell in the vectors is wanted; the backbone has a cell map."""


@dataclass(frozen=True, slots=True)
class _Task:
    photograph: Photograph
    plan: EmbedPlan
    hold: Hold | None = None
    """Memory to decode the image; None: it is already prepared."""
    prepared: Sequence[PreparedCrop | PartError] | None = None
    """Its parts, if they are already prepared."""
    header: Header | None = None
    """That of its file; None: it is already prepared."""
    cost: float = 0.0
    """Time that a worker spends to prepare it, as in `Footprint`."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    crop: PreparedCrop
    head: Head | None
    cells: bool


@dataclass(frozen=True, slots=True)
class _Made:
    vector: Float32Array
    local_features: bytes
    cells: Float32Array | None


def limits_for(backbone: Backbone, workers: int, *, max_queue_bytes: int = MOST_QUEUED_BYTES) -> Limits:
    """Limits that suit the device of a backbone; workers: threads, one for each core."""
    batch = backbone.max_batch
    if backbone.device == "cpu":
        # each core prepares a few images and runs them while they are in its cache
        return Limits(
            workers,
            workers,
            claim=batch,
            max_batch=batch,
            claim_cost=QUICK_COST,
            max_queue_bytes=max_queue_bytes,
        )
    # all cores decode for one device, which loads the next batch while it runs the current one
    return Limits(max(2, workers), runs=2, claim=1, max_batch=batch, max_queue_bytes=max_queue_bytes)


class ImageEmbedder:
    """Embeds the parts of images with one backbone; its workers also decode, crop and resize.

    limits: None: the limits of one worker. budget: memory for decoding, shared by all embedders of a process;
    None: a quarter of the memory limit. max_pixels: largest image accepted.
    """

    def __init__(
        self,
        backbone: Backbone,
        limits: Limits | None = None,
        *,
        budget: DecodingBudget | None = None,
        max_pixels: int = MAX_PIXELS,
        reports: Reports = NO_REPORTS,
    ) -> None:
        self.backbone = backbone
        self.budget = budget or DecodingBudget(memory_limit_bytes() // 4, reports=reports)
        self.max_pixels = max_pixels
        limits = limits or limits_for(backbone, 1)
        self._reports = reports
        self._slow = SlowLane(limits.workers, reports)
        self._batcher = Batcher(
            self._prepare,
            self._embed,
            limits,
            ready=self._ready,
            cost=lambda task: task.cost,
            reports=reports,
        )

    @property
    def limits(self) -> Limits:
        """How much is done and queued at once."""
        return self._batcher.limits

    @property
    def waiting(self) -> int:
        """Number of images that no worker has taken yet."""
        return self._batcher.waiting

    async def embed(
        self, photograph: Photograph, plan: EmbedPlan, deadline_s: float | None = None
    ) -> list[Embedding | PartError]:
        """The embeddings of the parts of an image; deadline_s: as in `Batcher.submit_parts`.

        A part has an UnreadableImageError if its box or mask cannot be used, a PreconditionError if the
        backbone returns no finite vector for it. Raises UnreadableImageError for an image that cannot be
        used, and the errors of `Batcher.submit_parts`.
        """
        task, size, parts = _Task(photograph, plan), encoded_bytes(photograph), len(photograph.parts)
        with self._refusals_counted():
            finished = await self._batcher.submit_parts(
                task, plan.share, parts, size=size, deadline_s=deadline_s
            )
        self._observe([one.timings for one in finished if isinstance(one, Finished)])
        return [_embedding(one) for one in finished]

    async def close(self) -> None:
        """Finish all admitted crops and stop the workers."""
        await self._batcher.close()

    @asynccontextmanager
    async def _ready(self, task: _Task, share: Share) -> AsyncIterator[_Task]:
        steps, extractor = task.plan.preprocessing, task.plan.extractor
        header = await self._header(task.photograph.content)
        local = extractor.needs if extractor else NOTHING
        needed = footprint(task.photograph, steps, local=local, header=header)
        if not self.budget.is_costly(needed):
            async with self._slow.entered(share, needed.cost), self.budget.held(share, needed) as hold:
                yield replace(task, hold=hold, cost=needed.cost, header=header)
            return
        async with self.budget.held(share, needed):
            # no worker is kept from the images of others
            with self._reports.timed("decode"):
                prepared = await separate_process.prepare(
                    task.photograph, steps, needed, max_pixels=self.max_pixels, extractor=extractor
                )
        yield replace(task, prepared=prepared)

    async def _header(self, content: bytes) -> Header:
        if is_brief(content):
            return open_header(content, max_pixels=self.max_pixels)
        # it takes longer than to change threads
        return await asyncio.to_thread(open_header, content, max_pixels=self.max_pixels)

    def _prepare(self, task: _Task) -> list[_Prepared | Exception]:
        made = self._decode(task) if task.prepared is None else task.prepared
        head, cells = task.plan.head, task.plan.cells
        return [one if isinstance(one, PART_ERRORS) else _Prepared(one, head, cells) for one in made]

    def _decode(self, task: _Task) -> Sequence[PreparedCrop | PartError]:
        if task.hold is None or not task.hold.begin():
            raise DeadlineError("the caller of this image left before it was decoded; send it again")
        plan = task.plan
        try:
            return prepare_parts(
                task.photograph,
                plan.preprocessing,
                plan.extractor,
                max_pixels=self.max_pixels,
                header=task.header,
                reports=self._reports,
            )
        finally:
            task.hold.end()

    def _embed(self, prepared: Sequence[_Prepared]) -> Sequence[_Made | PreconditionError]:
        self._reports.batch(len(prepared))
        with self._reports.timed("infer"):
            vectors = self.backbone.embed([one.crop.pixels for one in prepared])
        for head in {one.head.digest: one.head for one in prepared if one.head}.values():
            _adapt(
                vectors, [one.head is not None and one.head.digest == head.digest for one in prepared], head
            )
        return [
            vector if isinstance(vector, PreconditionError) else self._made(vector, one)
            for vector, one in zip(vectors, prepared, strict=True)
        ]

    def _made(self, vector: Float32Array, prepared: _Prepared) -> _Made | PreconditionError:
        try:
            cells = self.backbone.cells(prepared.crop.pixels) if prepared.cells else None
        except PreconditionError as error:
            # only this crop fails, and not its batch
            return error
        return _Made(vector, prepared.crop.local_features, cells)

    @contextmanager
    def _refusals_counted(self) -> Iterator[None]:
        try:
            yield
        except OverloadedError:
            self._reports.refused_full()
            raise
        except DeadlineError:
            self._reports.refused_late()
            raise

    def _observe(self, timings: Sequence[Timings]) -> None:
        """Report the time of an image: that of its part which was finished last."""
        if timings:
            last = max(timings, key=lambda spent: spent.queued_s + spent.worked_s)
            self._reports.embedded(last.queued_s, last.prepared_s, last.worked_s)


def _embedding(outcome: Finished[_Made] | Exception) -> Embedding | PartError:
    if isinstance(outcome, Finished):
        made = outcome.result
        return Embedding(made.vector, outcome.timings, made.local_features, made.cells)
    if isinstance(outcome, PART_ERRORS):
        return outcome
    raise outcome


def _adapt(vectors: list[Float32Array | PreconditionError], chosen: Sequence[bool], head: Head) -> None:
    """Replace the chosen vectors by their adapted ones."""
    base = {
        i: v
        for i, (v, yes) in enumerate(zip(vectors, chosen, strict=True))
        if yes and isinstance(v, np.ndarray)
    }
    if base:
        for i, adapted in zip(base, head.apply(np.stack(list(base.values()))), strict=True):
            vectors[i] = adapted
