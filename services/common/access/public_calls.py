"""Calls that need no token, health and reflection: few at once, with requests that arrive at once.

Anyone who reaches the port may make them, so they have bounds of their own and take nothing from callers.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from typing import Any

import grpc

from services.common.access.caller import ANYONE
from services.common.access.load import Load
from services.common.access.open_streams import each, only, read_within
from services.common.rpc.layer import Context, Handler, wrap_handler

# health and reflection
OPEN = ("/grpc.health.v1.", "/grpc.reflection.")
# watched health: one stream for each channel of a client or proxy that asks for it
MOST_CALLS = 256
# requests received at the same time; gRPC accepts a large message for each, whatever the rpc
MOST_RECEIVED = 4
RECEIVE_S = 5.0

Requests = AsyncIterator[Any]


class PublicCalls:
    """Bounds of the calls without a token of one server, used by one event loop."""

    def __init__(
        self, *, most_calls: int = MOST_CALLS, receive_s: float = RECEIVE_S, unread_s: float
    ) -> None:
        """Begin.

        most_calls: calls open at once. receive_s: how long a request may take to arrive.
        unread_s: how long an answer of a stream may wait for its reader before the call is cancelled.
        """
        self._load = Load(most_calls=most_calls)
        self._receiving = asyncio.Semaphore(MOST_RECEIVED)
        self._receive_s = receive_s
        self._unread_s = unread_s

    def wrap(self, handler: grpc.RpcMethodHandler[Any, Any]) -> grpc.RpcMethodHandler[Any, Any]:
        """The handler within these bounds."""
        admit = self._admit_each if handler.request_streaming else self._admit

        def unary(behaviour: Handler) -> Handler:
            async def call(requests: Requests, context: Context) -> Any:  # noqa: ANN401 - any rpc
                with self._load.call(ANYONE):
                    return await behaviour(await admit(requests), context)

            return call

        def stream(behaviour: Handler) -> Handler:
            async def call(requests: Requests, context: Context) -> AsyncIterator[Any]:
                with self._load.call(ANYONE):
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

    async def _admit(self, requests: Requests) -> Any:  # noqa: ANN401 - any rpc
        async with self._receiving:
            return await only(requests, within_s=self._receive_s)

    async def _admit_each(self, requests: Requests) -> Requests:
        return each(requests, within_s=self._receive_s)
