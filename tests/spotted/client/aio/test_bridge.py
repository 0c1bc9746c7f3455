from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Iterator

import pytest

from spotted.client.aio.bridge import iterate, run, wait_for

WHO = contextvars.ContextVar("WHO", default="nobody")


async def doubled(value: int) -> int:
    await asyncio.sleep(0)
    return 2 * value


async def failing() -> int:
    await asyncio.sleep(0)
    raise LookupError("not there")


def test_a_function_waits_as_often_as_it_likes() -> None:
    def summed(*values: int) -> int:
        return sum(wait_for(doubled(value)) for value in values)

    assert asyncio.run(run(summed, 1, 2, 3)) == 12


def test_a_function_that_waits_for_nothing_is_called_as_usual() -> None:
    assert asyncio.run(run(divmod, 7, 2)) == (3, 1)


def test_an_error_is_raised_where_the_function_waits() -> None:
    def recovering() -> str:
        try:
            wait_for(failing())
        except LookupError as error:
            return f"caught: {error}"
        return "nothing"

    assert asyncio.run(run(recovering)) == "caught: not there"
    with pytest.raises(LookupError, match="not there"):
        asyncio.run(run(lambda: wait_for(failing())))


def test_other_tasks_run_while_a_function_waits() -> None:
    async def both() -> list[str]:
        seen: list[str] = []
        gate = asyncio.Event()

        def waiting() -> None:
            seen.append("waits")
            wait_for(gate.wait())
            seen.append("goes on")

        task = asyncio.create_task(run(waiting))
        await asyncio.sleep(0)
        seen.append("other")
        gate.set()
        await task
        return seen

    assert asyncio.run(both()) == ["waits", "other", "goes on"]


def test_a_cancellation_is_raised_where_the_function_waits() -> None:
    async def cancelled() -> list[str]:
        seen: list[str] = []

        def waiting() -> None:
            try:
                wait_for(asyncio.Event().wait())
            finally:
                seen.append("cleaned up")

        task = asyncio.create_task(run(waiting))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return seen

    assert asyncio.run(cancelled()) == ["cleaned up"]


def test_the_variables_of_the_context_are_seen() -> None:
    async def seen() -> str:
        WHO.set("anna")
        return await run(WHO.get)

    assert asyncio.run(seen()) == "anna"


def test_waiting_outside_is_refused() -> None:
    waited = doubled(1)
    with pytest.raises(RuntimeError, match="only inside"):
        wait_for(waited)
    waited.close()


def test_an_iterator_is_closed_if_nobody_reads_on() -> None:
    closed: list[bool] = []

    def counting() -> Iterator[int]:
        try:
            for value in range(5):
                yield wait_for(doubled(value))
        finally:
            closed.append(True)

    async def first() -> list[int]:
        items = iterate(counting())
        found = [await anext(items), await anext(items)]
        await items.aclose()  # type: ignore[attr-defined] # an asynchronous generator has it
        return found

    assert asyncio.run(first()) == [0, 2]
    assert closed == [True]
