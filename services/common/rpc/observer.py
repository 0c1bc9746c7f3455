"""Observation of calls: each is counted, timed, traced, and given a request id.

This is the outermost interceptor, so that calls rejected by other interceptors are observed too.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import grpc
from grpc import aio

from services.common.rpc.layer import Context, Handler, Layer
from services.common.telemetry import logs, metrics, tracing
from services.common.telemetry.metrics import RpcMetrics

_NAMES = {key: code.name for code in grpc.StatusCode for key in (code, code.value[0])}
# a caller may cancel shortly before the deadline by this server's clock
NEARLY_S = 0.05
# probes call these all the time
UNTRACED = ("grpc.health.", "grpc.reflection.")


class WatchInterceptor(Layer):
    """Counts, times and traces every rpc, and adds its request id to log lines written during the call.

    A valid `x-request-id` of the caller is used; a failed call returns the id.
    """

    def __init__(self) -> None:
        super().__init__()
        # cheaper than a random id for each call, and as unlikely to equal an id of another process
        process = secrets.token_hex(6)
        self._new_ids = (f"{process}-{number:x}" for number in itertools.count(1))

    def wrap(self, path: str, handler: grpc.RpcMethodHandler[Any, Any]) -> grpc.RpcMethodHandler[Any, Any]:
        """The handler with its calls observed and the sizes of its messages counted."""
        method = _Method(path, self._new_ids)
        kind = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")[
            2 * handler.request_streaming + handler.response_streaming
        ]
        watch = _stream if handler.response_streaming else _unary
        # gRPC's handlers are named tuples, which its types do not declare
        named_tuple: Any = handler
        observed: grpc.RpcMethodHandler[Any, Any] = named_tuple._replace(
            request_deserializer=_counting_first(method.metrics, handler.request_deserializer),
            response_serializer=_counting_last(method.metrics, handler.response_serializer),
            **{kind: watch(method, getattr(handler, kind))},
        )
        return observed

    def unregistered(self) -> None:
        """Count the call under a fixed name, since the caller chose the method's name."""
        method = metrics.rpc(metrics.OTHER, metrics.OTHER)
        method.start()
        method.finish("UNIMPLEMENTED", 0.0)


class _Method:
    """Properties of an rpc. new_ids: request ids for callers that send none."""

    def __init__(self, path: str, new_ids: Iterator[str]) -> None:
        self.service, _, self.name = path.lstrip("/").rpartition("/")
        self.metrics = metrics.rpc(self.service, self.name)
        self.traced = not self.service.startswith(UNTRACED)
        self.new_ids = new_ids


class _Call:
    """One observed call; gRPC runs every call in a context of its own."""

    __slots__ = ("_end_span", "_method", "_started")

    def __init__(self, method: _Method, context: Context) -> None:
        self._method = method
        # a tuple of pairs, whatever gRPC's types say
        headers: Any = context.invocation_metadata() or ()
        sent_id = next((value for name, value in headers if name == logs.REQUEST_ID), "")
        logs.enter(logs.Call(logs.sane(sent_id) or next(method.new_ids), method.name))
        method.metrics.start()
        self._end_span = tracing.begin(method.service, method.name, headers) if method.traced else None
        self._started = time.perf_counter()

    def end(self, status: str) -> None:
        """Count its status and time."""
        self._method.metrics.finish(status, time.perf_counter() - self._started)
        if self._end_span is not None:
            self._end_span(status)


def _unary(method: _Method, behaviour: Handler) -> Handler:
    async def call(request: Any, context: Context) -> Any:  # noqa: ANN401 - any rpc
        watched = _Call(method, context)
        try:
            answer = await behaviour(request, context)
        except BaseException as error:
            watched.end(_status_after(error, context))
            raise
        watched.end(_status(context))
        return answer

    return call


def _stream(method: _Method, behaviour: Handler) -> Handler:
    async def call(request: Any, context: Context) -> AsyncIterator[Any]:  # noqa: ANN401 - any rpc
        watched = _Call(method, context)
        try:
            async for answer in behaviour(request, context):
                yield answer
        except BaseException as error:
            watched.end(_status_after(error, context))
            raise
        watched.end(_status(context))

    return call


def _status(context: Context) -> str:
    """The status that the handler set."""
    # a number or a status, None if the handler set none
    code: Any = context.code()
    return _NAMES.get(code, "OK")


def _status_after(error: BaseException, context: Context) -> str:
    """The status of a call that was aborted or cancelled, or whose deadline passed."""
    if isinstance(error, aio.AbortError):
        return _status(context)
    if not isinstance(error, asyncio.CancelledError | GeneratorExit):
        return "UNKNOWN"
    # None if the caller set no deadline
    left_s: float | None = context.time_remaining()
    return "DEADLINE_EXCEEDED" if left_s is not None and left_s < NEARLY_S else "CANCELLED"


def _counting_first(
    counted: RpcMetrics, deserialize: Callable[[bytes], Any] | None
) -> Callable[[bytes], Any]:
    def count(content: bytes) -> Any:  # noqa: ANN401 - any rpc
        counted.received_bytes.inc(len(content))
        return content if deserialize is None else deserialize(content)

    return count


def _counting_last(counted: RpcMetrics, serialize: Callable[[Any], bytes] | None) -> Callable[[Any], bytes]:
    def count(answer: Any) -> bytes:  # noqa: ANN401 - any rpc
        content: bytes = answer if serialize is None else serialize(answer)
        counted.sent_bytes.inc(len(content))
        return content

    return count
