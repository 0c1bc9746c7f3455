from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

import pytest

from services.common.memory import MIB
from services.embedder.images.footprints import Footprint
from services.embedder.inference.decoding_budget import DecodingBudget, decoding_bytes
from services.embedder.inference.fair_queue import Share
from spotted.errors import PreconditionError, UnreadableImageError

GOOD, OTHER, HOSTILE = (Share(name, bulk=True) for name in ("good", "other", "hostile"))
CHEAP, DEAR = 1.0, 1000.0
ResultT = TypeVar("ResultT")


def run(test: Coroutine[object, object, ResultT]) -> ResultT:
    async def limited() -> ResultT:
        # a test that waits for ever fails
        async with asyncio.timeout(20):
            return await test

    return asyncio.run(limited())


class Images:
    """Images that hold their memory until they are released, and the order in which they were admitted."""

    def __init__(self, budget: DecodingBudget) -> None:
        self.budget = budget
        self.order: list[str] = []
        self.done: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self, name: str, share: Share, need: int, cost: float = CHEAP) -> None:
        self.done[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._hold(name, share, Footprint(need, cost)))
        await self.settle()

    async def release(self, name: str) -> None:
        self.done[name].set()
        await self.settle()

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def _hold(self, name: str, share: Share, need: Footprint) -> None:
        async with self.budget.held(share, need):
            self.order.append(name)
            await self.done[name].wait()


def test_images_wait_for_room_and_surveys_take_turns() -> None:
    async def test() -> None:
        images = Images(DecodingBudget(100))
        for n in range(4):
            await images.start(f"a{n}", GOOD, 25)
        await images.start("a4", GOOD, 25)
        await images.start("a5", GOOD, 25)
        await images.start("b0", OTHER, 25)
        assert images.order == ["a0", "a1", "a2", "a3"]
        for name in ("a0", "a1", "a2"):
            await images.release(name)
        assert images.order[4:] == ["a4", "b0", "a5"]
        assert images.budget.used_bytes == 100

    run(test())


def test_an_image_that_never_fits_is_refused_with_the_limit_and_a_remedy() -> None:
    async def test() -> None:
        budget = DecodingBudget(1000 * MIB)
        with pytest.raises(
            UnreadableImageError,
            match=r"takes 751 MiB, more than the 750 MiB .*scale it down, send it as JPEG",
        ):
            async with budget.held(GOOD, Footprint(751 * MIB, CHEAP)):
                pass
        assert budget.used_bytes == 0

    run(test())


def test_costly_images_take_turns_and_ordinary_ones_pass_them() -> None:
    async def test() -> None:
        images = Images(DecodingBudget(100))
        await images.start("large", HOSTILE, 75)
        await images.start("larger", HOSTILE, 70)
        await images.start("slow", HOSTILE, 1, DEAR)
        for n in range(3):
            await images.start(f"good{n}", GOOD, 25)
            await images.release(f"good{n}")
        assert images.order == ["large", "good0", "good1", "good2"]
        await images.release("large")
        await images.release("larger")
        assert images.order[4:] == ["larger", "slow"]

    run(test())


def test_a_costly_image_does_not_starve_behind_ordinary_ones() -> None:
    async def test() -> None:
        images = Images(DecodingBudget(100))
        for n in range(4):
            await images.start(f"good{n}", GOOD, 25)
        await images.start("large", HOSTILE, 75)
        for n in range(3):
            await images.start(f"late{n}", GOOD, 25)
            await images.release(f"good{n}")
        assert images.order[4:] == ["large"]
        await images.release("good3")
        assert images.order[4:] == ["large", "late0"]

    run(test())


def test_memory_of_a_caller_that_left_while_waiting_is_given_to_the_next() -> None:
    async def test() -> None:
        images = Images(DecodingBudget(100))
        await images.start("large", HOSTILE, 75)
        await images.start("gone", HOSTILE, 75)
        await images.start("next", OTHER, 75)
        images.tasks["gone"].cancel()
        await images.settle()
        await images.release("large")
        assert images.order == ["large", "next"]
        await images.release("next")
        assert images.budget.used_bytes == 0

    run(test())


def test_a_caller_that_leaves_in_the_turn_in_which_it_is_admitted_frees_its_memory() -> None:
    async def test() -> None:
        images = Images(DecodingBudget(100))
        await images.start("large", HOSTILE, 75)
        await images.start("gone", HOSTILE, 75)
        images.done["large"].set()
        # the first turn frees the memory, and the second would resume the next image
        await asyncio.sleep(0)
        images.tasks["gone"].cancel()
        await images.settle()
        assert images.budget.used_bytes == 0

    run(test())


def test_memory_is_held_until_the_thread_that_decodes_ends() -> None:
    async def test() -> None:
        budget = DecodingBudget(100)
        async with budget.held(GOOD, Footprint(25, CHEAP)) as hold:
            assert hold.begin()
        # the caller left, the thread goes on
        assert budget.used_bytes == 25
        await asyncio.to_thread(hold.end)
        await asyncio.sleep(0)
        assert budget.used_bytes == 0

    run(test())


def test_a_thread_that_starts_late_gets_no_memory() -> None:
    async def test() -> None:
        budget = DecodingBudget(100)
        async with budget.held(GOOD, Footprint(25, CHEAP)) as hold:
            pass
        assert not hold.begin()
        assert budget.used_bytes == 0

    run(test())


def test_a_thread_frees_memory_once() -> None:
    async def test() -> None:
        budget = DecodingBudget(100)
        async with budget.held(GOOD, Footprint(25, CHEAP)) as hold:
            assert hold.begin()
            await asyncio.to_thread(hold.end)
            await asyncio.sleep(0)
            assert budget.used_bytes == 0
        assert budget.used_bytes == 0

    run(test())


def test_memory_that_a_thread_frees_goes_to_the_image_that_waits_for_it() -> None:
    async def test() -> None:
        budget = DecodingBudget(100)
        images = Images(budget)
        async with budget.held(GOOD, Footprint(25, CHEAP)) as hold:
            for n in range(3):
                await images.start(f"a{n}", GOOD, 25)
            await images.start("waits", OTHER, 25)
            assert "waits" not in images.order
            assert hold.begin()
            # the caller stays, so only the thread can wake the event loop
            await asyncio.to_thread(hold.end)
            await images.settle()
            assert images.order[-1] == "waits"
        assert budget.used_bytes == 100

    run(test())


def test_the_budget_leaves_room_for_models_and_the_queue() -> None:
    assert decoding_bytes(3000 * MIB, held_bytes=300 * MIB, queue_bytes=250 * MIB) == 1900 * MIB
    with pytest.raises(
        PreconditionError, match=r"limit of 512 MiB leaves 61 MiB .*raise the limit by 146 MiB"
    ):
        decoding_bytes(512 * MIB, held_bytes=300 * MIB, queue_bytes=50 * MIB)


def test_memory_for_decoding_may_be_set_within_what_is_left() -> None:
    def decoding(wanted_mib: int) -> int:
        return decoding_bytes(3000 * MIB, held_bytes=300 * MIB, queue_bytes=250 * MIB, wanted_mib=wanted_mib)

    assert decoding(500) == 500 * MIB
    assert decoding(1900) == 1900 * MIB
    for wrong in (0, 100, 1901):
        with pytest.raises(
            PreconditionError,
            match=f"SPOTTED_MEMORY_MIB is {wrong}, but .* 192 to 1900 MiB with a .* limit of 3000 MiB; set",
        ):
            decoding(wrong)
