from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.common.access.guard import Guard
from services.common.access.open_streams import checked_every, each, only, read_within
from services.common.store.store import Store
from services.scorer.__main__ import service as scorer_service
from spotted.errors import DeadlineError, InvalidInputError, UnauthenticatedError
from tests.services.raw_http2 import half_sent
from tests.services.serving import running


async def fine() -> None:
    """A check that passes."""


async def revoked() -> None:
    raise UnauthenticatedError("revoked")


def test_a_body_that_waits_ends_with_the_error_of_the_check() -> None:
    async def body() -> str:
        try:
            async with checked_every(0.0, revoked):
                await asyncio.Event().wait()
        except UnauthenticatedError as error:
            # the task itself is no longer cancelled
            await asyncio.sleep(0)
            return str(error)
        return ""

    assert asyncio.run(body()) == "revoked"


def test_a_body_that_its_caller_cancels_stays_cancelled() -> None:
    async def body() -> None:
        async with checked_every(0.0, fine):
            await asyncio.Event().wait()

    async def cancelled() -> None:
        task = asyncio.create_task(body())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())


def test_no_check_runs_after_the_body() -> None:
    async def body() -> int:
        async with checked_every(0.0, fine):
            assert len(asyncio.all_tasks()) == 2
        await asyncio.sleep(0)
        return len(asyncio.all_tasks())

    assert asyncio.run(body()) == 1


def test_an_answer_that_nobody_reads_cancels_its_call() -> None:
    async def call() -> None:
        with read_within(0.0):
            await asyncio.Event().wait()

    async def cancelled() -> None:
        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(call())

    asyncio.run(cancelled())


def test_an_answer_that_was_read_cancels_nothing() -> None:
    async def call() -> str:
        with read_within(0.0):
            pass
        await asyncio.sleep(0.001)
        return "went on"

    assert asyncio.run(call()) == "went on"


async def sent(*requests: str) -> AsyncIterator[str]:
    for request in requests:
        yield request


async def never_sent() -> AsyncIterator[str]:
    await asyncio.Event().wait()
    yield ""


def test_the_only_request_is_received_in_time_or_not_at_all() -> None:
    assert asyncio.run(only(sent("first", "second"), within_s=60.0)) == "first"
    with pytest.raises(InvalidInputError, match="has no request"):
        asyncio.run(only(sent(), within_s=60.0))
    with pytest.raises(DeadlineError, match="did not arrive within 0 s"):
        asyncio.run(only(never_sent(), within_s=0.0))


def test_messages_of_a_stream_arrive_in_time_or_end_it() -> None:
    async def received(requests: AsyncIterator[str], within_s: float) -> list[str]:
        return [request async for request in each(requests, within_s=within_s)]

    async def stops(proceed: asyncio.Event) -> AsyncIterator[str]:
        yield "first"
        await proceed.wait()
        yield "second"

    async def stopped() -> None:
        requests = each(stops(asyncio.Event()), within_s=0.01)
        assert await anext(requests) == "first"
        with pytest.raises(DeadlineError, match=r"next message did not arrive whole within 0\.01 s; end the"):
            await anext(requests)

    assert asyncio.run(received(sent("first", "second"), 60.0)) == ["first", "second"]
    asyncio.run(stopped())


def test_the_time_that_a_message_takes_to_be_used_does_not_count() -> None:
    async def slow() -> int:
        count = 0
        async for _ in each(sent("first", "second"), within_s=0.01):
            await asyncio.sleep(0.05)
            count += 1
        return count

    assert asyncio.run(slow()) == 2


def test_a_stream_that_stops_within_a_message_is_ended(store: Store) -> None:
    with (
        running(scorer_service(store), guard=Guard(None, next_s=0.05)) as address,
        half_sent(address) as client,
    ):
        stream = client.call("/spotted.v1.ScorerService/AddDetections")
        client.begin_message(stream, announced=3 << 20, sent=2 << 20)
        client.until_ended(stream)
