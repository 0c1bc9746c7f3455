"""Errors to gRPC statuses, in one place: every failure is sent with its reason and remedy."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any, NoReturn

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc import aio

from services.common.rpc.layer import Context, Handler, Layer, wrap_handler
from services.common.rpc.message_sizes import MAX_MESSAGE_BYTES, serialized
from services.common.rpc.parsing import parse, parse_each
from services.common.telemetry import logs
from spotted import errors

STATUS: dict[type[errors.SpottedError], grpc.StatusCode] = {
    errors.InvalidInputError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.NotFoundError: grpc.StatusCode.NOT_FOUND,
    errors.AlreadyExistsError: grpc.StatusCode.ALREADY_EXISTS,
    errors.PreconditionError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.ConcurrencyError: grpc.StatusCode.ABORTED,
    errors.OverloadedError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.QuotaError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.UnauthenticatedError: grpc.StatusCode.UNAUTHENTICATED,
    errors.PermissionDeniedError: grpc.StatusCode.PERMISSION_DENIED,
    errors.DeadlineError: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.UnavailableError: grpc.StatusCode.UNAVAILABLE,
    errors.StoreVersionError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.DamagedError: grpc.StatusCode.DATA_LOSS,
}
DOMAIN = "spotted"
UNMEASURED, UNMEASURED_BYTES = ("/grpc.health.v1.", "/grpc.reflection."), 4096
DETAILS_KEY = "grpc-status-details-bin"
# the trailing metadata contains a message up to three times, once with three bytes for each non-ASCII byte,
# and clients reject metadata above 8 KiB
LONGEST_MESSAGE_BYTES = 1000

logger = logging.getLogger("spotted")


def status_code(error: errors.SpottedError) -> grpc.StatusCode:
    """The status of the error's nearest class in the table."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def rich_status(error: errors.SpottedError) -> status_pb2.Status:
    """google.rpc.Status with ErrorInfo, and with BadRequest or RetryInfo if they apply (AIP-193)."""
    message = _shorten(str(error))
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
    details: list[Any] = [info]
    if isinstance(error, errors.InvalidInputError) and error.field:
        violation = error_details_pb2.BadRequest.FieldViolation(field=error.field, description=message)
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    if isinstance(error, errors.OverloadedError):
        delay = duration_pb2.Duration()
        delay.FromNanoseconds(int(error.retry_after_s * 1e9))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    status = status_pb2.Status(code=status_code(error).value[0], message=message)
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def _shorten(message: str) -> str:
    """The message cut to fit: ids in it may be as long as a request."""
    content = message.encode(errors="replace")
    if len(content) <= LONGEST_MESSAGE_BYTES:
        return message
    return content[:LONGEST_MESSAGE_BYTES].decode(errors="ignore") + "…"


class ErrorInterceptor(Layer):
    """Turns errors into rich statuses, which the WatchInterceptor around it observes.

    Requests are parsed and answers serialised inside it, so that messages too large are reported as errors of
    Spotted.
    """

    def __init__(
        self, max_receive_bytes: int = MAX_MESSAGE_BYTES, limits: Mapping[str, int] | None = None
    ) -> None:
        """Begin. max_receive_bytes: largest request accepted. limits: those of single rpcs by their paths."""
        super().__init__()
        self._max_receive_bytes = max_receive_bytes
        self._limits = limits or {}

    def wrap(self, path: str, handler: grpc.RpcMethodHandler[Any, Any]) -> grpc.RpcMethodHandler[Any, Any]:
        """The handler with requests parsed and errors converted to statuses."""
        method = path.rsplit("/", 1)[-1]
        # health and reflection write some of their small answers themselves
        raw = not path.startswith(UNMEASURED)
        decode = partial(
            parse_each if handler.request_streaming else parse,
            handler.request_deserializer,
            most=self._limits.get(path, self._max_receive_bytes) if raw else UNMEASURED_BYTES,
        )
        encode = partial(serialized, handler.response_serializer, most=MAX_MESSAGE_BYTES) if raw else _same

        def unary(behaviour: Handler) -> Handler:
            return _wrap_unary(method, _parsing(behaviour, decode), encode)

        def stream(behaviour: Handler) -> Handler:
            return _wrap_stream(method, _parsing(behaviour, decode), encode)

        return wrap_handler(handler, unary=unary, stream=stream, raw_requests=True, raw_responses=raw)


def _same(response: Any) -> Any:  # noqa: ANN401 - any rpc
    return response


def _parsing(behaviour: Handler, decode: Callable[[Any], Any]) -> Handler:
    """A handler of bytes, from a handler of requests."""
    return lambda content, context: behaviour(decode(content), context)


def _wrap_unary(method: str, behaviour: Handler, encode: Callable[[Any], Any]) -> Handler:
    async def call(request: Any, context: Context) -> Any:  # noqa: ANN401 - any rpc
        try:
            return encode(await behaviour(request, context))
        except Exception as error:  # noqa: BLE001 - every error becomes a status here
            await _abort(method, error, context)

    return call


def _wrap_stream(method: str, behaviour: Handler, encode: Callable[[Any], Any]) -> Handler:
    async def call(
        request: Any,  # noqa: ANN401 - any rpc
        context: Context,
    ) -> AsyncIterator[Any]:
        try:
            answers = behaviour(request, context)
            if inspect.isawaitable(answers):
                # the Watch rpc of health writes its responses itself
                await answers
            else:
                async for response in answers:
                    yield encode(response)
        except Exception as error:  # noqa: BLE001 - every error becomes a status here
            await _abort(method, error, context)

    return call


async def _abort(method: str, error: Exception, context: Context) -> NoReturn:
    # a handler that called abort() has set its status
    if isinstance(error, aio.AbortError):
        raise error
    # gRPC could not send: the caller closed the connection
    if isinstance(error, aio.InternalError):
        raise asyncio.CancelledError from error
    if isinstance(error, errors.SpottedError):
        status = rich_status(error)
        code = status_code(error)
    elif isinstance(error, NotImplementedError):
        # raised by the generated base class for rpcs that a servicer lacks, e.g. List of health
        code = grpc.StatusCode.UNIMPLEMENTED
        status = status_pb2.Status(code=code.value[0], message=f"{method} is not implemented by this server")
    else:
        logger.error("%s failed", method, exc_info=error)
        code = grpc.StatusCode.INTERNAL
        status = status_pb2.Status(
            code=code.value[0],
            message=f"{method} failed unexpectedly ({type(error).__name__}); the server's log has the trace "
            f"under request id {logs.current().request_id}",
        )
    request_id = (logs.REQUEST_ID, logs.current().request_id)
    details = (DETAILS_KEY, status.SerializeToString())
    try:
        await context.abort(code, status.message, (*(context.trailing_metadata() or ()), request_id, details))
    except aio.InternalError as unsent:
        raise asyncio.CancelledError from unsent
