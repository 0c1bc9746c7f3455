from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from services.embedder.inference import slow_lane
from services.embedder.inference.fair_queue import Share
from services.embedder.inference.slow_lane import QUICK_COST, SlowLane

GOOD, HOSTILE = Share("good", bulk=False), Share("hostile", bulk=True)
SLOW = QUICK_COST + 1


class Lane:
    """A lane, and the images inside it."""

    def __init__(self, workers: int) -> None:
        self.lane = SlowLane(workers)
        self.inside: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._done: dict[str, asyncio.Event] = {}

    async def send(self, name: str, share: Share, cost: float = SLOW) -> None:
        self._done[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._enter(name, share, cost))
        await self.settle()

    async def finish(self, name: str) -> None:
        self._done[name].set()
        await self.settle()

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def _enter(self, name: str, share: Share, cost: float) -> None:
        async with self.lane.entered(share, cost):
            self.inside.append(name)
            try:
                await self._done[name].wait()
            finally:
                self.inside.remove(name)


def run(test: Callable[[], Coroutine[object, object, None]]) -> None:
    async def limited() -> None:
        # a test that waits for ever fails
        async with asyncio.timeout(20):
            await test()

    asyncio.run(limited())


def test_a_survey_has_all_workers_while_no_other_sends_quick_images() -> None:
    async def test() -> None:
        lane = Lane(3)
        await lane.send("own", HOSTILE, QUICK_COST)
        for n in range(5):
            await lane.send(f"slow{n}", HOSTILE)
        assert lane.inside == ["own", "slow0", "slow1", "slow2"]

    run(test)


@pytest.mark.parametrize(("workers", "slow"), [(1, 1), (2, 1), (4, 3)])
def test_a_worker_is_kept_for_the_quick_images_of_others(workers: int, slow: int) -> None:
    async def test() -> None:
        lane = Lane(workers)
        await lane.send("quick", GOOD, QUICK_COST)
        await lane.finish("quick")
        for n in range(6):
            await lane.send(f"slow{n}", HOSTILE)
        assert lane.inside == [f"slow{n}" for n in range(slow)]
        await lane.finish("slow0")
        assert len(lane.inside) == slow

    run(test)


def test_the_worker_is_released_when_quick_images_have_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        lane = Lane(2)
        await lane.send("quick", GOOD, QUICK_COST)
        monkeypatch.setattr(slow_lane, "KEPT_S", 0.0)
        await lane.send("slow0", HOSTILE)
        await lane.send("slow1", HOSTILE)
        assert lane.inside == ["quick", "slow0", "slow1"]

    run(test)


def test_surveys_take_turns() -> None:
    async def test() -> None:
        lane = Lane(1)
        for n in range(3):
            await lane.send(f"hostile{n}", HOSTILE)
        await lane.send("good", GOOD)
        await lane.finish("hostile0")
        await lane.finish("hostile1")
        assert lane.inside == ["good"]

    run(test)


def test_callers_that_leave_give_their_place_to_the_next() -> None:
    async def test() -> None:
        lane = Lane(1)
        for name in ("inside", "gone", "next"):
            await lane.send(name, HOSTILE)
        lane.tasks["gone"].cancel()
        await lane.settle()
        lane.tasks["inside"].cancel()
        await lane.settle()
        assert lane.inside == ["next"]
        await lane.finish("next")
        await lane.send("last", GOOD)
        assert lane.inside == ["last"]

    run(test)
