"""A handler of an rpc, wrapped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
from grpc import aio

# Any stands for request and response types, which differ at every rpc.
Handler = Callable[[Any, aio.ServicerContext[Any, Any]], Any]


def wrapped(
    handler: grpc.RpcMethodHandler[Any, Any],
    *,
    unary: Callable[[Handler], Handler],
    stream: Callable[[Handler], Handler],
    raw: bool = False,
) -> grpc.RpcMethodHandler[Any, Any]:
    """The handler with its behaviour wrapped: by `unary` where it gives one answer, else by `stream`.

    raw: what is wrapped takes the bytes of requests.
    """
    make = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[handler.request_streaming, handler.response_streaming]
    behaviour: Any = next(
        b
        for b in (handler.unary_unary, handler.unary_stream, handler.stream_unary, handler.stream_stream)
        if b is not None
    )
    wrap = stream if handler.response_streaming else unary
    made: grpc.RpcMethodHandler[Any, Any] = make(
        wrap(behaviour),
        request_deserializer=None if raw else handler.request_deserializer,
        response_serializer=handler.response_serializer,
    )
    return made
