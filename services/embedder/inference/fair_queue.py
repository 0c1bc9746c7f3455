"""Fair shares of one embedder between the surveys that use it.

Bulk work and single calls of a survey count as two, so that an import does not delay its own survey's
matching.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.common.telemetry import metrics

ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class Share:
    """Who an item is for: a survey's bulk work (streams) or its single calls."""

    survey_id: str
    bulk: bool


@dataclass(slots=True, eq=False)
class _Waiting:
    share: Share
    size: int
    admitted: asyncio.Future[None]


class Admission:
    """Room for items and their bytes, on one event loop.

    A share is admitted while it uses no more than what would remain free: one alone fills half of the
    room, two a third each, and a newcomer always finds some (the dynamic threshold of Choudhury and Hahne
    1998, with alpha = 1).
    """

    def __init__(self, max_items: int, max_bytes: int) -> None:
        self.max_items = max_items
        self.max_bytes = max_bytes
        # each backbone has its own
        metrics.EMBED_QUEUE_LIMIT.inc(max_items)
        self._items: Counter[Share] = Counter()
        self._bytes: Counter[Share] = Counter()
        self._waiting: OrderedDict[_Waiting, None] = OrderedDict()

    def admit(self, share: Share, size: int) -> bool:
        """Whether an item of `size` bytes came in; if so, `leave` must be called once."""
        if any(w.share == share for w in self._waiting) or not self._fits(share, size):
            return False
        self._enter(share, size)
        return True

    async def wait(self, share: Share, size: int) -> None:
        """Come in, after those of the same share that came before."""
        if self.admit(share, size):
            return
        waiting = _Waiting(share, size, asyncio.get_running_loop().create_future())
        self._waiting[waiting] = None
        try:
            await waiting.admitted
        except asyncio.CancelledError:
            if waiting.admitted.done() and not waiting.admitted.cancelled():
                self.leave(share, size)
            raise
        finally:
            self._waiting.pop(waiting, None)

    def leave(self, share: Share, size: int) -> None:
        """Make room, and let in who waits for it."""
        metrics.EMBED_QUEUE_BYTES.dec(size)
        for used, amount in ((self._items, 1), (self._bytes, size)):
            used[share] -= amount
            if used[share] <= 0:
                del used[share]
        refused: set[Share] = set()
        for waiting in list(self._waiting):
            if waiting.share in refused or waiting.admitted.done():
                continue
            if self._fits(waiting.share, waiting.size):
                del self._waiting[waiting]
                self._enter(waiting.share, waiting.size)
                waiting.admitted.set_result(None)
            else:
                refused.add(waiting.share)

    def _fits(self, share: Share, size: int) -> bool:
        if not self._items:
            # an item larger than the whole room passes alone
            return True
        free_items = self.max_items - self._items.total() - 1
        free_bytes = self.max_bytes - self._bytes.total() - size
        return self._items[share] <= free_items and self._bytes[share] <= free_bytes

    def _enter(self, share: Share, size: int) -> None:
        metrics.EMBED_QUEUE_BYTES.inc(size)
        self._items[share] += 1
        self._bytes[share] += size


class FairQueue(Generic[ItemT]):
    """Items by share, drawn from the shares in turn; not safe for threads by itself."""

    def __init__(self) -> None:
        # each share's items in the order they came; the share whose turn it is comes first
        self._lines: OrderedDict[Share, OrderedDict[ItemT, None]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def push(self, share: Share, item: ItemT) -> None:
        """Add an item behind its share's others."""
        self._lines.setdefault(share, OrderedDict())[item] = None
        self._changed(1)

    def pop(self) -> ItemT:
        """The oldest item of the share whose turn it is. Raises KeyError where there is none."""
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

    def discard(self, share: Share, item: ItemT) -> None:
        """Take an item out, if it is still there."""
        line = self._lines.get(share)
        if line is None or item not in line:
            return
        del line[item]
        self._changed(-1)
        if not line:
            del self._lines[share]

    def _changed(self, by: int) -> None:
        self._length += by
        metrics.EMBED_QUEUE_DEPTH.inc(by)
