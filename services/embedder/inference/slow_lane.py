"""A lane for slow images, so that they never take all workers while other surveys send quick ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.embedder.inference.fair_queue import FairQueue, Share
from services.embedder.reports import NO_REPORTS, Reports

# megapixels of a baseline JPEG: 0.07 s on one core, a photograph of 12 megapixels
QUICK_COST = 13.0
# a worker is kept free for quick images of other surveys this long after the last of them
KEPT_S = 10.0


@dataclass(slots=True, eq=False)
class _Place:
    survey_id: str
    admitted: asyncio.Future[None]


class SlowLane:
    """Admits slow images by turns among the surveys, on one event loop.

    At most `workers` are in the lane at once, one fewer (but at least one) while another survey sends quick
    images: a quick image then waits for quick ones only, not for a slow one.
    """

    def __init__(self, workers: int, reports: Reports = NO_REPORTS) -> None:
        self._workers = workers
        self._waiting: FairQueue[_Place] = FairQueue(reports)
        self._inside = 0
        # when each survey sent its last quick image
        self._quick_s: dict[str, float] = {}

    @asynccontextmanager
    async def entered(self, share: Share, cost: float) -> AsyncIterator[None]:
        """Wait until a worker may prepare an image. cost: as in `Footprint`."""
        if cost <= QUICK_COST:
            self._quick_s[share.survey_id] = asyncio.get_running_loop().time()
            yield
            return
        await self._enter(share)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, share: Share) -> None:
        place = _Place(share.survey_id, asyncio.get_running_loop().create_future())
        self._waiting.push(share, place)
        self._admit()
        try:
            await place.admitted
        except asyncio.CancelledError:
            self._waiting.discard(share, place)
            if place.admitted.done() and not place.admitted.cancelled():
                self._leave()
            raise

    def _leave(self) -> None:
        self._inside -= 1
        self._admit()

    def _admit(self) -> None:
        while (place := self._waiting.first()) is not None:
            # one whose caller left in this turn of the loop takes nothing
            gone = place.admitted.done()
            if not gone and self._inside >= self._room(place.survey_id):
                return
            self._waiting.pop()
            if not gone:
                self._inside += 1
                place.admitted.set_result(None)

    def _room(self, survey_id: str) -> int:
        """Most images inside, as far as a survey is concerned."""
        now_s = asyncio.get_running_loop().time()
        self._quick_s = {s: at_s for s, at_s in self._quick_s.items() if now_s - at_s < KEPT_S}
        others = self._quick_s.keys() - {survey_id}
        return max(1, self._workers - 1) if others else self._workers
