"""Calls that need no token, health and reflection: few on a connection, with requests that arrive at once.

Anyone who reaches the port may make them, so they have bounds of their own and take nothing from callers. The
bound is that of a connection: clients watch the health of each server, and lose it if the watch is refused.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import grpc

from services.common.access.load import RETRY_AFTER_S
from services.common.access.open_streams import each, only, read_within
from services.common.rpc.layer import Context, Handler, wrap_handler
from spotted.errors import OverloadedError

# calls open on one connection: a client watches each service on it once
MOST_CALLS = 16
# requests received at the same time; gRPC accepts a large message for each, whatever the rpc
MOST_RECEIVED = 4
RECEIVE_S = 5.0

Requests = AsyncIterator[Any]


class PublicCalls:
    """Bounds of the calls to one server that need no token, used by one event loop."""

    def __init__(
        self, *, most_calls: int = MOST_CALLS, receive_s: float = RECEIVE_S, unread_s: float
    ) -> None:
        """Begin.

        most_calls: calls open on one connection. receive_s: how long a request may take to arrive.
        unread_s: how long an answer of a stream may wait for its reader before the call is cancelled.
        """
        self._most_calls = most_calls
        self._open: Counter[str] = Counter()
        self._receiving = asyncio.Semaphore(MOST_RECEIVED)
        self._receive_s = receive_s
        self._unread_s = unread_s

    def wrap(self, handler: grpc.RpcMethodHandler[Any, Any]) -> grpc.RpcMethodHandler[Any, Any]:
        """The handler within these bounds."""
        admit = self._admit_each if handler.request_streaming else self._admit

        def unary(behaviour: Handler) -> Handler:
            async def call(requests: Requests, context: Context) -> Any:  # noqa: ANN401 - any rpc
                with self._counted(context.peer()):
                    return await behaviour(await admit(requests), context)

            return call

        def stream(behaviour: Handler) -> Handler:
            async def call(requests: Requests, context: Context) -> AsyncIterator[Any]:
                with self._counted(context.peer()):
                    answers = behaviour(await admit(requests), context)
                    if inspect.isawaitable(answers):
                        # the Watch rpc of health writes its responses itself
                        await answers
                        return
                    async for answer in answers:
                        with read_within(self._unread_s):
                            yield answer

            return call

        return wrap_handler(handler, unary=unary, stream=stream, lazy=True)

    @contextmanager
    def _counted(self, connection: str) -> Iterator[None]:
        """Count a call while the body runs. Raises OverloadedError."""
        if self._open[connection] >= self._most_calls:
            raise OverloadedError(
                f"this connection has {self._most_calls} calls without a token open, and may have no more; "
                "end one of them, or try again in a moment",
                retry_after_s=RETRY_AFTER_S,
            )
        self._open[connection] += 1
        try:
            yield
        finally:
            self._open[connection] -= 1
            if not self._open[connection]:
                del self._open[connection]

    async def _admit(self, requests: Requests) -> Any:  # noqa: ANN401 - any rpc
        async with self._receiving:
            return await only(requests, within_s=self._receive_s)

    async def _admit_each(self, requests: Requests) -> Requests:
        return each(requests, within_s=self._receive_s)
