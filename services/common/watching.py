"""The one place where calls are seen: counted, timed, traced, and given a request id.

Stands outermost, so that what other interceptors refuse is seen as well.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
from grpc import aio

from services.common import logs, metrics, tracing
from services.common.handlers import Handler
from services.common.metrics import RpcMetrics

# Any stands for request and response types, which differ at every rpc.
Context = aio.ServicerContext[Any, Any]

_NAMES = {key: code.name for code in grpc.StatusCode for key in (code, code.value[0])}
# a caller whose time runs out says so a moment before the clock of this side does
NEARLY_S = 0.05
# health is asked for all the time
UNTRACED = ("grpc.health.", "grpc.reflection.")


class WatchInterceptor(aio.ServerInterceptor):
    """Counts, times and traces every rpc, and lends its request id to what is logged meanwhile.

    The caller's own `x-request-id` is taken where it is sane; a call that fails brings the id back.
    """

    def __init__(self) -> None:
        # cheaper than a random id for each call, and as unlikely to be another process's
        self._process = secrets.token_hex(6)
        self._calls = itertools.count(1)
        self._methods: dict[str, _Method] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Wrap the handler of one rpc."""
        handler = await continuation(handler_call_details)
        if handler is None:
            # grpc answers UNIMPLEMENTED
            unregistered = metrics.rpc(metrics.OTHER, metrics.OTHER)
            unregistered.start()
            unregistered.finish("UNIMPLEMENTED", 0.0)
            return None
        path = handler_call_details.method
        method = self._methods.get(path)
        if method is None:
            method = self._methods[path] = _Method(path)
        headers: tracing.Headers = handler_call_details.invocation_metadata or ()
        return method.watched(handler, _Call(method, headers, f"{self._process}-{next(self._calls):x}"))


class _Method:
    """What is the same for all calls of an rpc."""

    def __init__(self, path: str) -> None:
        self.service, _, self.name = path.lstrip("/").rpartition("/")
        self.metrics = metrics.rpc(self.service, self.name)
        self.traced = not self.service.startswith(UNTRACED)

    def watched(self, handler: Any, call: _Call) -> grpc.RpcMethodHandler[Any, Any]:  # noqa: ANN401 - a named tuple
        """The handler, with a call of it watched and the sizes of its messages counted as they pass."""
        kind = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")[
            2 * handler.request_streaming + handler.response_streaming
        ]
        wrap = _stream if handler.response_streaming else _unary
        made: grpc.RpcMethodHandler[Any, Any] = handler._replace(
            request_deserializer=_counting_first(self.metrics, handler.request_deserializer),
            response_serializer=_counting_last(self.metrics, handler.response_serializer),
            **{kind: wrap(call, getattr(handler, kind))},
        )
        return made


class _Call:
    """One call, from its begin to its end; new_id: for a caller that sent no request id."""

    __slots__ = ("_end_span", "_headers", "_method", "_new_id", "_started")

    def __init__(self, method: _Method, headers: tracing.Headers, new_id: str) -> None:
        self._method = method
        self._headers = headers
        self._new_id = new_id

    def begin(self) -> None:
        """Count it, name it and begin its span; gRPC gives every call a context of its own."""
        request_id = self._new_id
        for name, value in self._headers:
            if name == logs.REQUEST_ID:
                request_id = logs.sane(value) or request_id
        method = self._method
        logs.enter(logs.Call(request_id, method.name))
        method.metrics.start()
        self._end_span = tracing.begin(method.service, method.name, self._headers) if method.traced else None
        self._started = time.perf_counter()

    def end(self, status: str) -> None:
        """Count its status and time."""
        self._method.metrics.finish(status, time.perf_counter() - self._started)
        if self._end_span is not None:
            self._end_span(status)


def _unary(watched: _Call, behaviour: Handler) -> Handler:
    async def call(request: Any, context: Context) -> Any:  # noqa: ANN401 - any rpc
        watched.begin()
        try:
            answer = await behaviour(request, context)
        except BaseException as error:
            watched.end(_status_after(error, context))
            raise
        watched.end(_status(context))
        return answer

    return call


def _stream(watched: _Call, behaviour: Handler) -> Handler:
    async def call(request: Any, context: Context) -> AsyncIterator[Any]:  # noqa: ANN401 - any rpc
        watched.begin()
        try:
            async for answer in behaviour(request, context):
                yield answer
        except BaseException as error:
            watched.end(_status_after(error, context))
            raise
        watched.end(_status(context))

    return call


def _status(context: Context) -> str:
    """The status that a call ended with by itself."""
    # a number where gRPC's types have a status; none where nothing was said
    code: Any = context.code()
    return _NAMES.get(code, "OK")


def _status_after(error: BaseException, context: Context) -> str:
    """The status of a call that was aborted, or whose caller left or ran out of time."""
    if isinstance(error, aio.AbortError):
        return _status(context)
    if not isinstance(error, asyncio.CancelledError | GeneratorExit):
        return "UNKNOWN"
    # None where the caller set no deadline
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
