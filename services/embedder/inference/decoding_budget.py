"""Memory for decoding, shared by all images of a process: an image waits until its share is free.

Images are ordinary or costly. Ordinary ones are admitted first come, first served within a survey, and the
surveys by turns. A few costly ones are admitted beside them, and never take more than three quarters of the
memory, so that ordinary images pass them.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.common.memory import MIB
from services.embedder.images.footprints import Footprint
from services.embedder.inference.fair_queue import FairQueue, Share
from services.embedder.reports import NO_REPORTS, Reports
from spotted.errors import PreconditionError, UnreadableImageError

# megapixels of a baseline JPEG: 0.9 s on one core, the time of a 12-megapixel photograph with tone and mask
ORDINARY_COST = 160.0
# parts of the memory that one ordinary image, and all costly ones together, may take
ORDINARY_PART, COSTLY_PART = 0.25, 0.75
# part of the limit that is left for what is not counted: answers, buffers, fragments
RESERVED_PART = 0.1
# the least with which an embedder is useful: a photograph of 12 megapixels
LEAST_BYTES = 192 * MIB


def decoding_bytes(
    limit_bytes: int, *, held_bytes: int, queue_bytes: int, wanted_mib: int | None = None
) -> int:
    """Memory for decoding in a process that may take limit_bytes.

    held_bytes: what it holds with its models loaded. queue_bytes: most bytes of queued images, of which the
    request holds a second copy. wanted_mib: memory for decoding that was asked for; None: all that is left.
    Raises PreconditionError if too little is left, or less than was asked for.
    """
    left = round(limit_bytes * (1 - RESERVED_PART)) - held_bytes - 2 * queue_bytes
    if left < LEAST_BYTES:
        raise PreconditionError(
            f"a memory limit of {limit_bytes / MIB:.0f} MiB leaves {max(left, 0) / MIB:.0f} MiB to decode "
            f"images, less than {LEAST_BYTES / MIB:.0f}; raise the limit by "
            f"{(LEAST_BYTES - left) / MIB / (1 - RESERVED_PART):.0f} MiB, or load fewer models"
        )
    if wanted_mib is None:
        return left
    if not LEAST_BYTES <= wanted_mib * MIB <= left:
        raise PreconditionError(
            f"SPOTTED_MEMORY_MIB is {wanted_mib}, but images can be decoded in {LEAST_BYTES // MIB} to "
            f"{left // MIB} MiB with a memory limit of {limit_bytes // MIB} MiB; set it within these bounds, "
            "leave it out, or raise the limit"
        )
    return wanted_mib * MIB


@dataclass(slots=True, eq=False)
class _Waiting:
    need: int
    admitted: asyncio.Future[None]


class Hold:
    """Memory of one image, freed once: when its caller has left and no thread uses it."""

    def __init__(self, budget: DecodingBudget, need: int, *, costly: bool) -> None:
        self.costly = costly
        self.need = need
        self._budget = budget
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._used = False
        self._left = False

    def begin(self) -> bool:
        """Keep the memory until `end`; False if it was freed. For a thread."""
        with self._lock:
            self._used = not self._left
            return self._used

    def end(self) -> None:
        """Free the memory, in the thread that called `begin`."""
        with self._lock:
            self._used, self._left = False, True
        self._budget.free_soon(self, self._loop)

    def leave(self) -> None:
        """Free the memory unless a thread uses it. For the event loop."""
        with self._lock:
            freed, self._left = self._left, True
        if freed:
            self._budget.collect()
        elif not self._used:
            self._budget.free(self)


class DecodingBudget:
    """Memory for decoding on one event loop. costly: most costly images at once."""

    def __init__(self, total_bytes: int, *, costly: int = 1, reports: Reports = NO_REPORTS) -> None:
        self.total_bytes = total_bytes
        self._slots = costly
        self._used = {False: 0, True: 0}
        self._running = 0
        # by threads, and not yet taken back
        self._freed: deque[Hold] = deque()
        self._lines: dict[bool, FairQueue[_Waiting]] = {
            costly_line: FairQueue(reports) for costly_line in (False, True)
        }

    @property
    def largest_bytes(self) -> int:
        """Most memory that one image may need."""
        return int(self.total_bytes * COSTLY_PART)

    @property
    def used_bytes(self) -> int:
        """Memory held now."""
        self._collect()
        return self._held()

    def is_costly(self, needed: Footprint) -> bool:
        """Whether an image takes more time or memory than workers spend on one image."""
        return needed.cost > ORDINARY_COST or needed.bytes > self.total_bytes * ORDINARY_PART

    @asynccontextmanager
    async def held(self, share: Share, needed: Footprint) -> AsyncIterator[Hold]:
        """Memory for one image, after waiting for it.

        Raises UnreadableImageError if the image needs more than is ever free.
        """
        if needed.bytes > self.largest_bytes:
            raise UnreadableImageError(
                f"decoding the image takes {needed.bytes / MIB:.0f} MiB, more than the "
                f"{self.largest_bytes / MIB:.0f} MiB that this embedder has for one image; scale it down, "
                "send it as JPEG, or raise the memory limit of the embedder"
            )
        costly = self.is_costly(needed)
        await self._wait(share, needed.bytes, costly=costly)
        hold = Hold(self, needed.bytes, costly=costly)
        try:
            yield hold
        finally:
            hold.leave()

    def free(self, hold: Hold) -> None:
        """Take back the memory of a hold; only `Hold` calls this."""
        self._take(-hold.need, costly=hold.costly)
        self._admit()

    def free_soon(self, hold: Hold, loop: asyncio.AbstractEventLoop) -> None:
        """Take back the memory of a hold, from a thread; only `Hold` calls this.

        The event loop is woken only if an image waits for memory; else it takes it back when it looks next.
        """
        self._freed.append(hold)
        # an image that begins to wait looks at what is freed after it stands in its line
        if any(self._lines.values()):
            loop.call_soon_threadsafe(self.collect)

    def collect(self) -> None:
        """Take back what threads have freed, and admit images that wait for it."""
        if self._freed:
            self._collect()
            self._admit()

    async def _wait(self, share: Share, need: int, *, costly: bool) -> None:
        waiting = _Waiting(need, asyncio.get_running_loop().create_future())
        line = self._lines[costly]
        line.push(share, waiting)
        self._collect()
        self._admit()
        try:
            await waiting.admitted
        except asyncio.CancelledError:
            if waiting.admitted.done() and not waiting.admitted.cancelled():
                self._take(-need, costly=costly)
            line.discard(share, waiting)
            self._admit()
            raise

    def _admit(self) -> None:
        # costly ones first: what the next of them needs is kept free, or it would wait for ever
        for costly in (True, False):
            line = self._lines[costly]
            while (waiting := line.first()) is not None:
                # one whose caller left in this turn of the loop takes nothing
                gone = waiting.admitted.done()
                if not gone and not self._fits(waiting.need, costly=costly):
                    break
                line.pop()
                if not gone:
                    self._take(waiting.need, costly=costly)
                    waiting.admitted.set_result(None)

    def _fits(self, need: int, *, costly: bool) -> bool:
        if costly:
            return self._may_start(need) and self._held() + need <= self.total_bytes
        following = self._lines[True].first()
        kept = following.need if following is not None and self._may_start(following.need) else 0
        return self._held() + kept + need <= self.total_bytes

    def _may_start(self, need: int) -> bool:
        return self._running < self._slots and self._used[True] + need <= self.largest_bytes

    def _held(self) -> int:
        return self._used[False] + self._used[True]

    def _collect(self) -> None:
        while self._freed:
            hold = self._freed.popleft()
            self._take(-hold.need, costly=hold.costly)

    def _take(self, need: int, *, costly: bool) -> None:
        self._used[costly] += need
        if costly:
            self._running += 1 if need > 0 else -1
