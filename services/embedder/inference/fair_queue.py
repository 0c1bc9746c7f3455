"""Fair shares of one embedder between the surveys that use it.

The bulk work and the single calls of a survey have a share each, so that an import does not delay the
matching of its own survey.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.embedder.reports import NO_REPORTS, Reports

ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class Share:
    """The party that an item counts for: the bulk work (streams) or the single calls of one survey."""

    survey_id: str
    bulk: bool


@dataclass(slots=True, eq=False)
class _Waiting:
    share: Share
    size: int
    parts: int
    admitted: asyncio.Future[None]


class Admission:
    """Limited room for the parts of items and their bytes, on one event loop.

    A share is admitted while it uses no more than would remain free: a single share fills half of the
    room, two fill a third each, and a new one always finds room (the dynamic threshold of Choudhury and
    Hahne 1998, with alpha = 1).
    """

    def __init__(self, max_items: int, max_bytes: int, reports: Reports = NO_REPORTS) -> None:
        self.max_items = max_items
        self.max_bytes = max_bytes
        self._reports = reports
        reports.room(max_items)
        self._items: Counter[Share] = Counter()
        self._bytes: Counter[Share] = Counter()
        self._waiting: OrderedDict[_Waiting, None] = OrderedDict()

    def admit(self, share: Share, size: int, parts: int = 1) -> bool:
        """Admit an item of `size` bytes if there is room; True: call `leave` once when it is finished."""
        if any(w.share == share for w in self._waiting) or not self._fits(share, size, parts):
            return False
        self._enter(share, size, parts)
        return True

    async def wait(self, share: Share, size: int, parts: int = 1) -> None:
        """Wait until an item of `size` bytes is admitted, in the order of arrival within its share."""
        if self.admit(share, size, parts):
            return
        waiting = _Waiting(share, size, parts, asyncio.get_running_loop().create_future())
        self._waiting[waiting] = None
        try:
            await waiting.admitted
        except asyncio.CancelledError:
            if waiting.admitted.done() and not waiting.admitted.cancelled():
                self.leave(share, size, parts)
            raise
        finally:
            self._waiting.pop(waiting, None)

    def leave(self, share: Share, size: int, parts: int = 1) -> None:
        """Free the room of an item and admit waiting ones."""
        self._reports.held(-size)
        for used, amount in ((self._items, parts), (self._bytes, size)):
            used[share] -= amount
            if used[share] <= 0:
                del used[share]
        refused: set[Share] = set()
        for waiting in list(self._waiting):
            if waiting.share in refused or waiting.admitted.done():
                continue
            if self._fits(waiting.share, waiting.size, waiting.parts):
                del self._waiting[waiting]
                self._enter(waiting.share, waiting.size, waiting.parts)
                waiting.admitted.set_result(None)
            else:
                refused.add(waiting.share)

    def _fits(self, share: Share, size: int, parts: int) -> bool:
        if not self._items:
            # an item larger than the whole room passes if nothing else is inside
            return True
        free_items = self.max_items - self._items.total() - parts
        free_bytes = self.max_bytes - self._bytes.total() - size
        return self._items[share] <= free_items and self._bytes[share] <= free_bytes

    def _enter(self, share: Share, size: int, parts: int) -> None:
        self._reports.held(size)
        self._items[share] += parts
        self._bytes[share] += size


class FairQueue(Generic[ItemT]):
    """Items by share, taken from the shares in turn; the caller must hold a lock."""

    def __init__(self, reports: Reports = NO_REPORTS) -> None:
        self._reports = reports
        # the items of each share in order of arrival; the share whose turn it is comes first
        self._lines: OrderedDict[Share, OrderedDict[ItemT, None]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def push(self, share: Share, item: ItemT) -> None:
        """Add an item at the end of its share."""
        self._lines.setdefault(share, OrderedDict())[item] = None
        self._changed(1)

    def pop(self) -> ItemT:
        """Remove and return the oldest item of the share whose turn it is. Raises KeyError if empty."""
        share, line = next(iter(self._lines.items()), (None, None))
        if share is None or line is None:
            raise KeyError("the queue is empty")
        item, _ = line.popitem(last=False)
        self._changed(-1)
        if line:
            self._lines.move_to_end(share)
        else:
            del self._lines[share]
        return item

    def first(self) -> ItemT | None:
        """The item that `pop` would return; None if empty."""
        line = next(iter(self._lines.values()), None)
        return None if line is None else next(iter(line))

    def discard(self, share: Share, item: ItemT) -> bool:
        """Remove an item; whether it was still queued."""
        line = self._lines.get(share)
        if line is None or item not in line:
            return False
        del line[item]
        self._changed(-1)
        if not line:
            del self._lines[share]
        return True

    def _changed(self, by: int) -> None:
        self._length += by
        self._reports.waiting(by)
