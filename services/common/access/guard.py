"""The check of every call: token, role, quota, and access only to the organisation's surveys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

from services.common.access import caller as access
from services.common.access.caller import ANYONE, Caller
from services.common.access.load import MOST_STREAM_BYTES, Load
from services.common.access.message_fields import Fields, find
from services.common.access.open_streams import (
    NEXT_S,
    RECEIVE_S,
    UNREAD_S,
    checked_every,
    each,
    only,
    read_within,
)
from services.common.access.public_calls import PublicCalls
from services.common.access.quotas import Rates, check_sizes, is_image
from services.common.access.tokens import KnownCallers, Tokens
from services.common.rpc.errors import UNMEASURED
from services.common.rpc.layer import Context, Handler, Layer, wrap_handler
from services.common.settings import Settings
from services.common.store.store import Store
from spotted.errors import SpottedError, UnauthenticatedError
from spotted.v1 import access_pb2

HEADER = "authorization"
SCHEME = "bearer "
SURVEY_ID = "survey_id"
# fields of responses that may contain a survey id, within a sentence or without
WORDS = frozenset({SURVEY_ID, "message", "reason", "fallback", "damage"})
# with the seconds that a caller is cached, an open stream ends five seconds after its token is revoked
RECHECK_S = 1.0


@dataclass(frozen=True, slots=True)
class Rpc:
    """An rpc and the fields of its messages that are checked or changed."""

    method: MethodDescriptor
    request_ids: Fields
    """Survey ids of requests."""
    images: Fields
    """Encoded images of requests."""
    response_words: Fields
    """Fields of responses that may contain a survey id."""
    positions: Fields
    """Positions in responses."""

    @classmethod
    def of(cls, method: MethodDescriptor) -> Rpc:
        """An rpc of the contract."""
        return cls(
            method,
            find(method.input_type, _is_survey_id),
            find(method.input_type, is_image),
            find(method.output_type, _may_name_a_survey),
            find(method.output_type, _is_position),
        )


Requests = AsyncIterator[Message]


class Guard(Layer):
    """Rejects calls without a valid token, and limits callers to the surveys of their organisation.

    A call is checked before its request is received, so that nobody without a token fills memory.
    """

    def __init__(
        self,
        callers: KnownCallers | None,
        *,
        load: Load | None = None,
        recheck_s: float = RECHECK_S,
        unread_s: float = UNREAD_S,
        receive_s: float = RECEIVE_S,
        next_s: float = NEXT_S,
    ) -> None:
        """Begin.

        callers: None with tokens off; then everyone may do everything, without organisations.
        load: bounds of open calls; None for the default ones.
        recheck_s: how often the token of an open stream is checked, besides at each message received.
        unread_s: how long an answer of a stream may wait for its reader before the call is cancelled.
        receive_s: how long the only request of a call may take to arrive.
        next_s: how long the next message of a client's stream may take to arrive.
        """
        super().__init__()
        self._callers = callers
        self._load = load or Load()
        self._recheck_s = recheck_s
        self._unread_s = unread_s
        self._receive_s = receive_s
        self._next_s = next_s
        self._public = PublicCalls(unread_s=unread_s)
        self._rates = Rates()
        self._rpcs = {path: Rpc.of(method) for path, method in access.methods().items()}

    def wrap(self, path: str, handler: grpc.RpcMethodHandler[Any, Any]) -> grpc.RpcMethodHandler[Any, Any]:
        """The handler with its callers checked; methods outside of the contract are not served."""
        if path.startswith(UNMEASURED):
            return self._public.wrap(handler)
        rpc = self._rpcs[path]

        def unary(behaviour: Handler) -> Handler:
            return self._unary(rpc, behaviour)

        def stream(behaviour: Handler) -> Handler:
            return self._stream(rpc, behaviour)

        return wrap_handler(handler, unary=unary, stream=stream, lazy=True)

    def _unary(self, rpc: Rpc, behaviour: Handler) -> Handler:
        async def call(requests: Requests, context: Context) -> Any:  # noqa: ANN401 - any rpc
            caller = await self._authorised(rpc, context)
            with self._load.call(caller), _own_ids_in_errors(caller):
                async with self._watched(rpc, context):
                    request = await self._admit(caller, rpc, requests, context)
                    response = await behaviour(request, context)
                return redact(caller, rpc, response)

        return call

    def _stream(self, rpc: Rpc, behaviour: Handler) -> Handler:
        async def call(requests: Requests, context: Context) -> AsyncIterator[Any]:
            caller = await self._authorised(rpc, context)
            with self._load.call(caller) as answers, _own_ids_in_errors(caller):
                async with self._watched(rpc, context):
                    request = await self._admit(caller, rpc, requests, context)
                    async for response in behaviour(request, context):
                        answers.sending(response.ByteSize())
                        with read_within(self._unread_s):
                            yield redact(caller, rpc, response)

        return call

    async def _authorised(self, rpc: Rpc, context: Context) -> Caller:
        """The caller, if it may call the rpc. Raises UnauthenticatedError, PermissionDeniedError."""
        caller = await self._caller(context)
        access.authorise(caller, rpc.method)
        access.set_caller(caller)
        return caller

    async def _caller(self, context: Context) -> Caller:
        if self._callers is None:
            return ANYONE
        header = _header(context)
        if not header.lower().startswith(SCHEME):
            raise UnauthenticatedError(
                "this call has no token; send the metadata `authorization: Bearer <token>` with a token from "
                "the operator (`spotted token create`)"
            )
        return await self._callers.caller(header[len(SCHEME) :])

    def _watched(self, rpc: Rpc, context: Context) -> AbstractAsyncContextManager[None]:
        """Ends a stream, also a silent one, when its token expires or is revoked."""
        streams = rpc.method.client_streaming or rpc.method.server_streaming
        if self._callers is None or not streams:
            return nullcontext()
        return checked_every(self._recheck_s, lambda: self._caller(context))

    async def _admit(self, caller: Caller, rpc: Rpc, requests: Requests, context: Context) -> Any:  # noqa: ANN401 - any rpc
        """The request, or stream of requests, checked against the quota and with the store's survey ids."""
        if rpc.method.client_streaming:
            return self._admit_each(caller, rpc, requests, context)
        return self._admit_one(caller, rpc, await only(requests, within_s=self._receive_s))

    def _admit_one(self, caller: Caller, rpc: Rpc, request: Message) -> Message:
        self._rates.take(caller)
        check_sizes(caller, request, rpc.images)
        for message, field in rpc.request_ids.of(request):
            setattr(message, field.name, caller.qualified(getattr(message, field.name)))
        return request

    async def _admit_each(
        self, caller: Caller, rpc: Rpc, requests: Requests, context: Context
    ) -> AsyncIterator[Message]:
        async for request in each(requests, within_s=self._next_s):
            await self._caller(context)
            yield self._admit_one(caller, rpc, request)


def guard_for(settings: Settings, store: Store, *, answers_bytes: int = MOST_STREAM_BYTES) -> Guard:
    """The guard for these settings. answers_bytes: memory of all streams of answers."""
    callers = KnownCallers(Tokens(store)) if settings.security.tokens else None
    return Guard(callers, load=Load(most_stream_bytes=answers_bytes))


def redact(caller: Caller, rpc: Rpc, response: Message) -> Message:
    """The response with the caller's survey ids, and without positions that its role may not see."""
    if caller.prefix:
        for message, field in rpc.response_words.of(response):
            setattr(message, field.name, caller.own(getattr(message, field.name)))
    if not caller.sees_positions:
        for message, field in rpc.positions.of(response):
            message.ClearField(field.name)
    return response


@contextmanager
def _own_ids_in_errors(caller: Caller) -> Iterator[None]:
    """Replace the store's survey ids in errors by the ids that the caller uses."""
    try:
        yield
    except SpottedError as error:
        error.args = tuple(caller.own(part) if isinstance(part, str) else part for part in error.args)
        raise


def _header(context: Context) -> str:
    header = next((value for key, value in context.invocation_metadata() or () if key == HEADER), "")
    return header if isinstance(header, str) else ""


def _is_survey_id(field: FieldDescriptor) -> bool:
    return field.name == SURVEY_ID and field.type == FieldDescriptor.TYPE_STRING


def _may_name_a_survey(field: FieldDescriptor) -> bool:
    return field.name in WORDS and field.type == FieldDescriptor.TYPE_STRING and not field.is_repeated


def _is_position(field: FieldDescriptor) -> bool:
    return bool(field.GetOptions().Extensions[access_pb2.camera_position])
