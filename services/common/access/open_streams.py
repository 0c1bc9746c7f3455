"""Calls that end if their token becomes invalid, or their messages are not sent or read in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

from spotted.errors import DeadlineError, InvalidInputError, SpottedError

# how long a message may wait for its reader; far longer than a slow network or a full disk delays one
UNREAD_S = 120.0
# how long the next message of a stream may take to arrive; a client may prepare it meanwhile
NEXT_S = 300.0
# how long the request of a unary call may take to arrive; longer than the client's deadline
RECEIVE_S = 60.0

ItemT = TypeVar("ItemT")


@asynccontextmanager
async def checked_every(seconds: float, check: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
    """Repeat a check while the body runs, and end the body with the error that the check raises.

    A body that waits for a message, sent or received, is ended too. A body that is itself suspended, because
    gRPC is sending its answer, ends as a cancelled call.
    """
    body = asyncio.current_task()
    failures: list[SpottedError] = []

    async def repeat() -> None:
        while not failures:
            await asyncio.sleep(seconds)
            try:
                await check()
            except SpottedError as error:
                failures.append(error)
        if body is not None:
            body.cancel()

    checking = asyncio.create_task(repeat())
    try:
        yield
    except asyncio.CancelledError:
        if not failures or body is None:
            raise
        body.uncancel()
        raise failures[0] from None
    finally:
        checking.cancel()


@contextmanager
def read_within(seconds: float) -> Iterator[None]:
    """Cancel the current call if the body, in which gRPC sends an answer, takes longer."""
    call = asyncio.current_task()
    timer = asyncio.get_running_loop().call_later(seconds, call.cancel) if call is not None else None
    try:
        yield
    finally:
        if timer is not None:
            timer.cancel()


async def each(requests: AsyncIterator[ItemT], *, within_s: float) -> AsyncIterator[ItemT]:
    """The requests of a stream. Raises DeadlineError if the next one, or its end, does not arrive in time."""
    while True:
        try:
            async with asyncio.timeout(within_s):
                request = await anext(requests)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise DeadlineError(
                f"the stream's next message did not arrive whole within {within_s:g} s; end the stream if "
                "nothing follows, and begin another one for the rest"
            ) from None
        yield request


async def only(requests: AsyncIterator[ItemT], *, within_s: float) -> ItemT:
    """The request of a unary call, received only now.

    Raises DeadlineError if it does not arrive in time, InvalidInputError if the call ends without one.
    """
    try:
        async with asyncio.timeout(within_s):
            return await anext(requests)
    except StopAsyncIteration:
        raise InvalidInputError("the call has no request; send one message") from None
    except TimeoutError:
        raise DeadlineError(
            f"the request did not arrive within {within_s:g} s; send it in one go, or smaller messages"
        ) from None
