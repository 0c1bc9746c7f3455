"""The one place where calls are let in: token, role, quota, and the organisation's own surveys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

from services.common.access import caller as access
from services.common.access.caller import ANYONE, Caller
from services.common.access.message_fields import Fields, find
from services.common.access.quotas import Rates, check_sizes, is_image
from services.common.access.tokens import KnownCallers, Tokens
from services.common.rpc.layer import Context, Handler, Layer, wrapped
from services.common.settings import Settings
from services.common.store.store import Store
from spotted.errors import SpottedError, UnauthenticatedError

HEADER = "authorization"
SCHEME = "bearer "
SURVEY_ID = "survey_id"
# fields of answers that may hold the id of a survey, alone or within a sentence
WORDS = frozenset({SURVEY_ID, "message", "reason", "fallback"})
# what tells whether a service lives, and what the contract is, is no secret
OPEN = ("/grpc.health.v1.", "/grpc.reflection.")


@dataclass(frozen=True, slots=True)
class Rpc:
    """An rpc, and where its messages hold what is checked or changed on the way."""

    method: MethodDescriptor
    asked: Fields
    images: Fields
    answered: Fields
    positions: Fields

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


class Guard(Layer):
    """Lets in who holds a token for what is asked, and shows callers the surveys of their organisation alone.

    callers: None where tokens are off: then everyone may do everything, and there is no organisation.
    """

    def __init__(self, callers: KnownCallers | None) -> None:
        super().__init__()
        self._callers = callers
        self._rates = Rates()
        self._rpcs = {path: Rpc.of(method) for path, method in access.methods().items()}

    def wrap(self, path: str, handler: grpc.RpcMethodHandler[Any, Any]) -> grpc.RpcMethodHandler[Any, Any]:
        """The handler with its callers checked; what the contract does not know is not served."""
        if path.startswith(OPEN):
            return handler
        rpc = self._rpcs[path]

        def unary(behaviour: Handler) -> Handler:
            return self._unary(rpc, behaviour)

        def stream(behaviour: Handler) -> Handler:
            return self._stream(rpc, behaviour)

        return wrapped(handler, unary=unary, stream=stream)

    def _unary(self, rpc: Rpc, behaviour: Handler) -> Handler:
        async def call(request: Any, context: Context) -> Any:  # noqa: ANN401 - any rpc
            caller = await self._let_in(rpc, context)
            with _own_words(caller):
                return shown(caller, rpc, await behaviour(self._taken(caller, rpc, request), context))

        return call

    def _stream(self, rpc: Rpc, behaviour: Handler) -> Handler:
        async def call(request: Any, context: Context) -> AsyncIterator[Any]:  # noqa: ANN401 - any rpc
            caller = await self._let_in(rpc, context)
            with _own_words(caller):
                async for answer in behaviour(self._taken(caller, rpc, request), context):
                    # a stream ends with the token that it began with
                    await self._caller(context)
                    yield shown(caller, rpc, answer)

        return call

    async def _let_in(self, rpc: Rpc, context: Context) -> Caller:
        """Who calls. Raises UnauthenticatedError, PermissionDeniedError."""
        caller = await self._caller(context)
        access.authorise(caller, rpc.method)
        access.serve(caller)
        return caller

    async def _caller(self, context: Context) -> Caller:
        if self._callers is None:
            return ANYONE
        header = _header(context)
        if not header.lower().startswith(SCHEME):
            raise UnauthenticatedError(
                "this call carries no token; send metadata `authorization: Bearer <token>` with one that the "
                "operator makes (`spotted token create`)"
            )
        text = header[len(SCHEME) :]
        if (known := self._callers.known(text)) is not None:
            return known
        return await asyncio.to_thread(self._callers.look_up, text)

    def _taken(self, caller: Caller, rpc: Rpc, request: Any) -> Any:  # noqa: ANN401 - any rpc
        if not isinstance(request, Message):
            return self._all_taken(caller, rpc, request)
        self._rates.take(caller)
        check_sizes(caller, request, rpc.images)
        for held, field in rpc.asked.of(request):
            setattr(held, field.name, caller.qualified(getattr(held, field.name)))
        return request

    async def _all_taken(
        self, caller: Caller, rpc: Rpc, requests: AsyncIterator[Message]
    ) -> AsyncIterator[Any]:
        async for request in requests:
            yield self._taken(caller, rpc, request)


def guard_for(settings: Settings, store: Store) -> Guard:
    """The guard that the settings ask for."""
    return Guard(KnownCallers(Tokens(store)) if settings.security.tokens else None)


def shown(caller: Caller, rpc: Rpc, answer: Message) -> Message:
    """An answer as its caller may see it: with its own ids of surveys, and positions only for its role."""
    if caller.prefix:
        for held, field in rpc.answered.of(answer):
            setattr(held, field.name, caller.own(getattr(held, field.name)))
    if not caller.sees_positions:
        for held, field in rpc.positions.of(answer):
            held.ClearField(field.name)
    return answer


@contextmanager
def _own_words(caller: Caller) -> Iterator[None]:
    """Errors that name surveys as the caller does."""
    try:
        yield
    except SpottedError as error:
        error.args = tuple(caller.own(part) if isinstance(part, str) else part for part in error.args)
        raise


def _header(context: Context) -> str:
    found = next((value for key, value in context.invocation_metadata() or () if key == HEADER), "")
    return found if isinstance(found, str) else ""


def _is_survey_id(field: FieldDescriptor) -> bool:
    return field.name == SURVEY_ID and field.type == FieldDescriptor.TYPE_STRING


def _may_name_a_survey(field: FieldDescriptor) -> bool:
    return field.name in WORDS and field.type == FieldDescriptor.TYPE_STRING and not field.is_repeated


def _is_position(field: FieldDescriptor) -> bool:
    return bool(field.GetOptions().debug_redact)
