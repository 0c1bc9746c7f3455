from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator

import pytest

from services.embedder.inference.ordered_stream import in_order
from spotted.errors import NotFoundError, OverloadedError


async def numbers(count: int, drawn: list[int]) -> AsyncIterator[int]:
    for number in range(count):
        drawn.append(number)
        yield number


def test_results_come_in_order_however_the_work_ends() -> None:
    async def run() -> list[int]:
        gates = [asyncio.Event() for _ in range(4)]

        async def work(number: int) -> int:
            # the last sets the third free, and so on back to the first
            if number == 3:
                gates[3].set()
            await gates[number].wait()
            gates[number - 1].set()
            return number

        return [result async for result in in_order(numbers(4, []), work, limit=4)]

    assert asyncio.run(run()) == [0, 1, 2, 3]


def test_no_more_is_drawn_than_there_is_room_for() -> None:
    async def run() -> None:
        drawn: list[int] = []

        async def work(number: int) -> int:
            return number

        results = in_order(numbers(50, drawn), work, limit=3)
        seen = 0
        async for _ in results:
            seen += 1
            # those read, those at work or waiting to be read, and the one that waits for room
            assert len(drawn) <= seen + 3 + 1
        assert seen == 50

    asyncio.run(run())


def test_the_first_error_ends_the_stream_as_itself() -> None:
    async def run() -> None:
        async def work(number: int) -> int:
            if number == 2:
                raise OverloadedError("full", retry_after_s=1.0)
            return number

        async for _ in in_order(numbers(10, []), work):
            pass

    with pytest.raises(OverloadedError):
        asyncio.run(run())


def test_a_stream_of_nothing_ends() -> None:
    async def run() -> list[int]:
        async def work(number: int) -> int:
            return number

        return [result async for result in in_order(numbers(0, []), work)]

    assert asyncio.run(run()) == []


def test_the_error_of_what_is_drawn_ends_the_stream_as_itself() -> None:
    async def broken() -> AsyncIterator[int]:
        yield 0
        raise NotFoundError("gone")

    async def run() -> None:
        async def work(number: int) -> int:
            return number

        async for _ in in_order(broken(), work):
            pass

    with pytest.raises(NotFoundError, match="gone"):
        asyncio.run(run())


def test_errors_of_a_stream_that_was_given_up_are_nobodys(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        at_work = asyncio.Event()

        async def work(_: int) -> int:
            at_work.set()
            try:
                return await asyncio.Future()
            except asyncio.CancelledError:
                # as if the caller's deadline ended both the call and the work
                raise NotFoundError("too late") from None

        async def read() -> list[int]:
            return [result async for result in in_order(numbers(2, []), work)]

        reading = asyncio.create_task(read())
        await at_work.wait()
        reading.cancel()
        # to wait for tasks is not to ask for their errors
        await asyncio.wait([task for task in asyncio.all_tasks() if task is not asyncio.current_task()])

    asyncio.run(run())
    gc.collect()
    assert not caplog.records
