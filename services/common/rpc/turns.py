"""Turns of costly streams: few of them compute at a time, and surveys by turns."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Iterator
from typing import TypeVar

ItemT = TypeVar("ItemT")


class Turns:
    """Draws streams of answers in threads, each step in its turn, on one event loop.

    Streams that are begun together would otherwise all compute at once and leave single calls no processor.
    """

    def __init__(self, at_once: int) -> None:
        """Begin. at_once: most steps at the same time; a step may use several cores."""
        self._free = at_once
        # steps that wait, by survey; the survey whose turn it is comes first
        self._lines: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    async def drawn(self, items: Iterator[ItemT], survey_id: str) -> AsyncIterator[ItemT]:
        """The items of a generator, which never blocks the event loop."""
        end = object()
        while True:
            await self._begin(survey_id)
            step = asyncio.create_task(asyncio.to_thread(next, items, end))
            # a caller that leaves does not end the thread
            step.add_done_callback(self._ended)
            item = await asyncio.shield(step)
            if item is end:
                return
            yield item  # type: ignore[misc] # only the sentinel is not an item

    async def _begin(self, survey_id: str) -> None:
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._lines.setdefault(survey_id, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._next()
            raise

    def _ended(self, step: asyncio.Task[object]) -> None:
        if not step.cancelled():
            # taken, also if nobody waits for the step any more
            step.exception()
        self._next()

    def _next(self) -> None:
        while self._lines:
            survey_id, line = next(iter(self._lines.items()))
            turn = line.popleft()
            if line:
                self._lines.move_to_end(survey_id)
            else:
                del self._lines[survey_id]
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
