"""Crops of one call to outcomes: each may fail alone, all share the backbone's batches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

from services.embedder.pipeline import ImageEmbedder
from services.embedder.wire import NamedCrop, Outcome
from spotted.errors import NotFoundError, PreconditionError, UnreadableImageError

# crops of one stream that are decoded or waiting; enough to keep the workers busy, few enough in memory
IN_FLIGHT = 32

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class Embedders:
    """The loaded backbones of a process, by model id."""

    def __init__(self, embedders: Sequence[ImageEmbedder], default_model_id: str) -> None:
        self._by_id = {e.backbone.manifest.model_id: e for e in embedders}
        self.default_model_id = default_model_id

    @property
    def all(self) -> list[ImageEmbedder]:
        """All of them, by model id."""
        return [self._by_id[model_id] for model_id in sorted(self._by_id)]

    def get(self, model_id: str) -> ImageEmbedder:
        """The one of a model id, "" for the default. Raises NotFoundError that names those there are."""
        embedder = self._by_id.get(model_id or self.default_model_id)
        if embedder is None:
            loaded = ", ".join(sorted(self._by_id))
            raise NotFoundError(f"model {model_id!r} is not loaded; this server has {loaded}")
        return embedder

    async def close(self) -> None:
        """Finish what was admitted."""
        for embedder in self.all:
            await embedder.close()


async def embed_all(
    embedder: ImageEmbedder, crops: Sequence[NamedCrop], deadline_s: float | None
) -> list[Outcome]:
    """The outcomes of a few crops, in their order. Raises what concerns the call as a whole."""
    try:
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(embed_one(embedder, crop, deadline_s)) for crop in crops]
    except ExceptionGroup as group:
        raise group.exceptions[0] from group
    return [task.result() for task in asked]


async def embed_one(
    embedder: ImageEmbedder, crop: NamedCrop, deadline_s: float | None, *, patient: bool = False
) -> Outcome:
    """The outcome of one crop; what is wrong with the crop itself is its outcome."""
    try:
        return Outcome(crop.crop_id, await embedder.embed(crop.crop, deadline_s, patient=patient))
    except (UnreadableImageError, PreconditionError) as error:
        return Outcome(crop.crop_id, error)


async def as_ready(
    items: AsyncIterator[ItemT], work: Callable[[ItemT], Awaitable[ResultT]], *, limit: int = IN_FLIGHT
) -> AsyncIterator[ResultT]:
    """Results of an unending number of items as they are ready, at most `limit` at work.

    A new item is drawn only when there is room, so a slow consumer slows the producer down. The first
    error ends the stream and cancels what is at work.
    """
    room = asyncio.Semaphore(limit)
    results: asyncio.Queue[ResultT | None] = asyncio.Queue()

    async def one(item: ItemT) -> None:
        await results.put(await work(item))

    async def draw() -> None:
        async with asyncio.TaskGroup() as tasks:
            async for item in items:
                await room.acquire()
                tasks.create_task(one(item))

    drawing = asyncio.create_task(draw())
    drawing.add_done_callback(lambda _: results.put_nowait(None))
    try:
        while (result := await results.get()) is not None:
            room.release()
            yield result
        await _first_error(drawing)
    finally:
        drawing.cancel()


async def _first_error(task: asyncio.Task[None]) -> None:
    """Raise the error itself, not the group that a TaskGroup wraps it in."""
    try:
        await task
    except ExceptionGroup as group:
        raise group.exceptions[0] from group
