"""Channels to the services: retries, keepalive, and errors of gRPC as classes of spotted.errors."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast

import grpc
from google.rpc import error_details_pb2
from grpc import aio
from grpc_status import rpc_status

from spotted import errors
from spotted.client.credentials import NOBODY, Credentials
from spotted.client.headers import Headers, SendsHeaders, survey_of
from spotted.errors import SpottedError

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
# photographs of camera traps reach 10 MiB; the embedder accepts 32 MiB, the others 4 MiB
MAX_SEND_BYTES = 32 * 1024 * 1024
# Every call may be repeated: reads change nothing, AddDetections is idempotent by detection id, and every
# other write carries a request id. So UNAVAILABLE, and nothing else, is retried (gRFC A6).
SERVICE_CONFIG = {
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.2s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
    # an address of several replicas uses all of them
    "loadBalancingConfig": [{"round_robin": {}}],
    # a replica that is about to stop reports it and gets no further call (gRFC A17)
    "healthCheckConfig": {"serviceName": ""},
}
# errors that gRPC itself reports have no ErrorInfo
_BY_STATUS: dict[grpc.StatusCode, type[SpottedError]] = {
    grpc.StatusCode.UNAVAILABLE: errors.UnavailableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.DeadlineError,
    grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidInputError,
    grpc.StatusCode.NOT_FOUND: errors.NotFoundError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.OverloadedError,
    grpc.StatusCode.UNAUTHENTICATED: errors.UnauthenticatedError,
    grpc.StatusCode.PERMISSION_DENIED: errors.PermissionDeniedError,
}

# how gRPC says, on either side, that a message is larger than its limit
TOO_LARGE = "message larger than max"
# if a proxy or gRPC itself is overloaded and does not say when to return
RETRY_AFTER_S = 1.0

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")


CHANNEL_OPTIONS: list[tuple[str, str | int]] = [
    ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
    # a service that was restarted is found again within the retries of a call
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # a service that vanished without closing its connections is noticed while calls wait for it
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_SEND_BYTES),
]


def open_channel(
    address: str, credentials: Credentials = NOBODY, headers: Callable[[], Headers] | None = None
) -> grpc.Channel:
    """A channel that retries calls that were not answered, and spreads calls over the replicas.

    headers: returns metadata to send with each call, in addition to the token and the survey's id.
    Raises InvalidInputError, PreconditionError for credentials that cannot be used.
    """
    tls = credentials.for_channel(address)
    options = channel_options(address, tls)
    channel = (
        grpc.insecure_channel(address, options=options)
        if tls is None
        else grpc.secure_channel(address, tls, options=options)
    )

    def outgoing(request: object) -> Headers:
        return [*survey_of(request), *credentials.headers(), *(headers() if headers else ())]

    return grpc.intercept_channel(channel, SendsHeaders(outgoing))


def channel_options(address: str, tls: grpc.ChannelCredentials | None) -> list[tuple[str, str | int]]:
    """The options of a channel to an address.

    Certificates of replicas listed by address must have the name of the first one.
    """
    scheme, _, listed = address.partition(":")
    named = tls is not None and scheme in {"ipv4", "ipv6"}
    return CHANNEL_OPTIONS + ([("grpc.default_authority", listed.split(",")[0])] if named else [])


@contextmanager
def our_errors(address: str) -> Iterator[None]:
    """Raise an error of a service as the class of spotted.errors that the service raised."""
    try:
        yield
    except grpc.RpcError as error:
        raise spotted_error(error, address) from error


def streamed(
    call: Callable[..., Iterator[ResponseT]], request: object, *, timeout_s: float, address: str
) -> Iterator[ResponseT]:
    """The responses of a streaming call, which is cancelled if the caller stops iterating."""
    with our_errors(address):
        responses = call(request, timeout=timeout_s)
        try:
            yield from responses
        finally:
            if isinstance(responses, grpc.RpcContext):
                responses.cancel()


def sent(
    call: grpc.StreamUnaryMultiCallable[RequestT, ResponseT],
    requests: Iterable[RequestT],
    *,
    timeout_s: float,
    address: str,
) -> ResponseT:
    """The response to a stream of requests, which are read while they are sent.

    An error raised by `requests` is raised here and cancels the call; the service sees no end of the stream.
    """
    failures: list[Exception] = []
    begun = threading.Event()

    def drawn() -> Iterator[RequestT]:
        begun.wait()
        try:
            yield from requests
        except Exception as error:  # noqa: BLE001 - raised again in the caller's thread
            failures.append(error)
            under_way.cancel()

    under_way = call.future(drawn(), timeout=timeout_s)
    begun.set()
    try:
        with our_errors(address):
            return under_way.result()
    except grpc.FutureCancelledError:
        if failures:
            raise failures[0] from None
        raise SpottedError(f"{address}: the call was cancelled before it was answered; try again") from None
    finally:
        # if the caller is interrupted nothing more is sent
        under_way.cancel()


def spotted_error(error: grpc.RpcError, address: str) -> SpottedError:
    """The error of a status: by its reason, or by its code if gRPC itself failed."""
    if not isinstance(error, grpc.Call | aio.AioRpcError):
        return SpottedError(f"{address}: {error}")
    info, field, retry_after_s = _details(error)
    message = error.details() or error.code().name
    if not info.reason:
        return _grpc_error(error.code(), message, address)
    kind = _BY_REASON.get(info.reason) or _BY_STATUS.get(error.code(), SpottedError)
    if issubclass(kind, errors.OverloadedError):
        return kind(message, retry_after_s=retry_after_s)
    if issubclass(kind, errors.InvalidInputError):
        return kind(message, field=field)
    if issubclass(kind, errors.RequestIdReusedError):
        first, sent = (info.metadata.get(name, "") for name in ("first_content", "sent_content"))
        return kind(message, first_content=first, sent_content=sent)
    return kind(message)


def _grpc_error(code: grpc.StatusCode, message: str, address: str) -> SpottedError:
    """The error of a status that gRPC itself or a proxy made."""
    kind = _BY_STATUS.get(code, SpottedError)
    if TOO_LARGE in message:
        return errors.MessageTooLargeError(
            f"{address}: one message has more bytes than gRPC allows ({message}); send, or ask for, less in "
            "one call, e.g. fewer items or a smaller image"
        )
    if issubclass(kind, errors.OverloadedError):
        return kind(f"{address}: {message}; try again in a moment", retry_after_s=RETRY_AFTER_S)
    if kind is errors.UnavailableError:
        return kind(
            f"nothing answers at {address} ({message}); start it with `spotted up`, or correct the address"
        )
    if kind is errors.DeadlineError:
        return kind(
            f"{address} did not answer in time ({message}); allow more time, or check with `spotted status` "
            "whether it is overloaded"
        )
    return kind(f"{address}: {code.name}: {message}")


def _details(error: grpc.Call | aio.AioRpcError) -> tuple[error_details_pb2.ErrorInfo, str, float]:
    """The reason with its details, the field and the seconds to wait of a status; empty if it has none."""
    # the statuses of both kinds of channel have the methods that it reads
    status = rpc_status.from_call(cast("grpc.Call", error))
    info, request, retry = (
        error_details_pb2.ErrorInfo(),
        error_details_pb2.BadRequest(),
        error_details_pb2.RetryInfo(),
    )
    for packed in status.details if status else ():
        for detail in (info, request, retry):
            if packed.Is(detail.DESCRIPTOR):
                packed.Unpack(detail)
    field = request.field_violations[0].field if request.field_violations else ""
    return info, field, retry.retry_delay.ToNanoseconds() / 1e9


def _all_kinds(kind: type[SpottedError]) -> Iterator[type[SpottedError]]:
    yield kind
    for nearer in kind.__subclasses__():
        yield from _all_kinds(nearer)


_BY_REASON = {kind.reason: kind for kind in _all_kinds(SpottedError)}
