"""Handlers of rpcs and the interceptors around them; a handler is wrapped once per rpc, not per call."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from grpc import aio

# Any stands for the request and response types, which differ between rpcs
Context = aio.ServicerContext[Any, Any]
Handler = Callable[[Any, Context], Any]


class Layer(aio.ServerInterceptor):
    """An interceptor that wraps the handler of an rpc at the first call and uses it for all calls.

    State of a single call belongs into the context of the call.
    """

    def __init__(self) -> None:
        self._wrapped: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}

    @abstractmethod
    def wrap(self, path: str, handler: grpc.RpcMethodHandler[Any, Any]) -> grpc.RpcMethodHandler[Any, Any]:
        """The handler of an rpc (path: /service/method) with this layer around it."""

    def unregistered(self) -> None:
        """Called for a call of an unregistered method; gRPC answers UNIMPLEMENTED."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """The wrapped handler of the called rpc."""
        handler = await continuation(handler_call_details)
        if handler is None:
            self.unregistered()
            return None
        path = handler_call_details.method
        if path not in self._wrapped:
            self._wrapped[path] = self.wrap(path, handler)
        return self._wrapped[path]


def wrap_handler(
    handler: grpc.RpcMethodHandler[Any, Any],
    *,
    unary: Callable[[Handler], Handler],
    stream: Callable[[Handler], Handler],
    raw_requests: bool = False,
    raw_responses: bool = False,
    lazy: bool = False,
) -> grpc.RpcMethodHandler[Any, Any]:
    """The handler wrapped by `unary` if it returns one response, else by `stream`.

    raw_requests, raw_responses: the wrapped handler takes, or returns, the bytes of messages.
    lazy: the wrapped handler takes an iterator of requests also if the rpc has one request, so that nothing
        is received before it is asked for. Both kinds are alike on the wire.
    """
    make = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[lazy or handler.request_streaming, handler.response_streaming]
    behaviour: Any = next(
        b
        for b in (handler.unary_unary, handler.unary_stream, handler.stream_unary, handler.stream_stream)
        if b is not None
    )
    wrap = stream if handler.response_streaming else unary
    made: grpc.RpcMethodHandler[Any, Any] = make(
        wrap(behaviour),
        request_deserializer=None if raw_requests else handler.request_deserializer,
        response_serializer=None if raw_responses else handler.response_serializer,
    )
    return made
