"""A stream of any length whose items are processed concurrently and answered in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import TypeVar

# items of one stream in progress or waiting for an earlier one: keeps the workers busy, with few in memory
IN_FLIGHT = 32

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


async def in_order(
    items: AsyncIterator[ItemT], work: Callable[[ItemT], Awaitable[ResultT]], *, limit: int = IN_FLIGHT
) -> AsyncGenerator[ResultT, None]:
    """Results in the order of the items, with at most `limit` items in progress.

    An item is read only when there is room, so a slow consumer slows the producer down. The first error
    ends the stream and cancels the items in progress.
    """
    room = asyncio.Semaphore(limit)
    begun: asyncio.Queue[asyncio.Task[ResultT] | None] = asyncio.Queue()

    async def one(item: ItemT) -> ResultT:
        return await work(item)

    async def draw() -> None:
        async with asyncio.TaskGroup() as tasks:
            async for item in items:
                await room.acquire()
                begun.put_nowait(tasks.create_task(one(item)))

    def ended(task: asyncio.Task[None]) -> None:
        begun.put_nowait(None)
        # mark its error as retrieved: if the stream was abandoned meanwhile, nobody else will do so
        if not task.cancelled():
            task.exception()

    drawing = asyncio.create_task(draw())
    drawing.add_done_callback(ended)
    try:
        while (task := await begun.get()) is not None:
            if not task.done():
                await asyncio.wait((task,))
            if task.cancelled() or task.exception():
                break
            room.release()
            yield task.result()
        await _first_error(drawing)
    finally:
        drawing.cancel()


async def _first_error(task: asyncio.Task[None]) -> None:
    """Raise the first error itself instead of the group of a TaskGroup."""
    try:
        await task
    except ExceptionGroup as group:
        raise group.exceptions[0] from group
