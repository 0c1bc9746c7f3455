from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from services.common.rpc.turns import Turns
from spotted.errors import NotFoundError
from tests.waiting import PATIENCE_S


async def listed(turns: Turns, items: Iterator[object], survey_id: str = "s") -> list[object]:
    return [item async for item in turns.drawn(items, survey_id)]


def test_a_generator_is_drawn_in_threads_and_in_order() -> None:
    drawn_in: set[int] = set()

    def numbers() -> Iterator[int]:
        for number in range(5):
            drawn_in.add(threading.get_ident())
            yield number

    assert asyncio.run(listed(Turns(1), numbers())) == [0, 1, 2, 3, 4]
    assert threading.get_ident() not in drawn_in


def test_no_more_steps_run_than_there_are_turns() -> None:
    running, most, lock = 0, 0, threading.Lock()
    both = threading.Barrier(2, timeout=PATIENCE_S)

    def steps() -> Iterator[int]:
        nonlocal running, most
        for number in range(3):
            with lock:
                running += 1
                most = max(most, running)
            both.wait()
            with lock:
                running -= 1
            yield number

    async def run() -> None:
        turns = Turns(2)
        await asyncio.gather(*(listed(turns, steps()) for _ in range(6)))

    asyncio.run(run())
    assert most == 2


def test_surveys_take_turns_however_many_streams_each_has() -> None:
    order: list[str] = []

    def steps(survey_id: str) -> Iterator[int]:
        order.append(survey_id)
        yield 0

    async def run() -> None:
        turns = Turns(1)
        streams = [*["many"] * 20, "one", "other"]
        await asyncio.gather(*(listed(turns, steps(each), each) for each in streams))

    asyncio.run(run())
    # one has begun, and one is first in line
    assert set(order[:4]) == {"many", "one", "other"}
    assert sorted(order) == sorted([*["many"] * 20, "one", "other"])


def test_who_leaves_gives_the_turn_back_when_the_thread_has_ended() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> Iterator[int]:
        begun.set()
        go_on.wait(PATIENCE_S)
        yield 0

    async def run() -> list[object]:
        turns = Turns(1)
        leaving, waiting = (asyncio.create_task(listed(turns, slow())) for _ in range(2))
        await asyncio.to_thread(begun.wait, PATIENCE_S)
        after = asyncio.create_task(listed(turns, iter("ab")))
        for task in (leaving, waiting):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await asyncio.sleep(0)
        assert not after.done()
        go_on.set()
        return await after

    assert asyncio.run(run()) == ["a", "b"]


def test_an_error_of_a_step_is_raised_and_its_turn_given_back() -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise NotFoundError("gone")

    async def run() -> None:
        turns = Turns(1)
        with pytest.raises(NotFoundError, match="gone"):
            await listed(turns, failing())
        assert await listed(turns, iter([1])) == [1]

    asyncio.run(run())
