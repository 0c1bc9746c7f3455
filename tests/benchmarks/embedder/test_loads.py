from __future__ import annotations

import asyncio

import pytest

from benchmarks.embedder.loads import in_flight


@pytest.mark.parametrize("most", [1, 3, 8])
def test_as_many_calls_as_asked_are_in_flight_and_none_more(most: int) -> None:
    running = 0
    seen: list[int] = []

    async def call(_: int) -> None:
        nonlocal running
        running += 1
        seen.append(running)
        # every other task gets its turn before this one ends
        for _turn in range(2 * most):
            await asyncio.sleep(0)
        running -= 1

    taken = asyncio.run(in_flight(range(20), call, most))
    assert len(taken) == 20
    assert max(seen) == most


def test_a_failed_call_ends_the_load() -> None:
    async def call(item: int) -> None:
        if item == 3:
            raise ConnectionError(item)

    with pytest.raises(ExceptionGroup) as raised:
        asyncio.run(in_flight(range(10), call, 2))
    assert raised.group_contains(ConnectionError)
