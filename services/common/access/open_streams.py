"""Streams that end if their token becomes invalid."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from spotted.errors import SpottedError


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
