"""The content of the request being served, by which a repeat differs from another request with its id."""

from __future__ import annotations

import hashlib
from contextvars import ContextVar
from typing import NamedTuple

from google.protobuf.message import Message

from services.common.store.seal import sealed, unsealed
from spotted.errors import DamagedError, RequestIdReusedError

REQUEST_ID = "request_id"
# SHA-256 as hexadecimal digits
LENGTH = 64
# content of a change that no request asked for
NO_REQUEST = "0" * LENGTH

_content: ContextVar[str] = ContextVar("request_content", default=NO_REQUEST)


class KeptAnswer(NamedTuple):
    """An answer kept in the store, with the content of the request that it answers."""

    content: str
    answer: bytes

    @classmethod
    def read(cls, request: str, kept: bytes) -> KeptAnswer:
        """The answer from its bytes in the store. request: their key. Raises DamagedError."""
        opened = unsealed(request, kept)
        if opened is None:
            raise DamagedError(
                "the kept answer to the first call with this request id is damaged in the store; read what "
                "is stored, and repeat the call with another request id if it is missing"
            )
        return cls(opened[:LENGTH].decode(), opened[LENGTH:])

    def stored(self, request: str) -> bytes:
        """The bytes to keep in the store, with a checksum. request: their key."""
        return sealed(request, self.content.encode() + self.answer)

    def to(self, content: str, request_id: str) -> bytes:
        """The answer to a repeat. Raises RequestIdReusedError if the repeat has other content."""
        if content != self.content:
            raise RequestIdReusedError(
                f"request_id {request_id!r} was used before by a request with other content; use a new "
                "request_id for each request, and the same one only to repeat a call unchanged",
                first_content=self.content,
                sent_content=content,
            )
        return self.answer


def keep(request: str, answer: bytes) -> bytes:
    """The answer to the request being served, as it is kept in the store under the key `request`."""
    return KeptAnswer(current(), answer).stored(request)


def first_answer(request: str, kept: bytes, request_id: str) -> bytes:
    """The answer that is kept under the key `request`, to the request being served.

    Raises RequestIdReusedError, DamagedError.
    """
    return KeptAnswer.read(request, kept).to(current(), request_id)


def enter(request: Message) -> None:
    """Note the content of a request for the rest of this context, if the request has an id."""
    if getattr(request, REQUEST_ID, ""):
        _content.set(digest(request))


def current() -> str:
    """The content of the request that is being served."""
    return _content.get()


def digest(request: Message) -> str:
    """SHA-256 (hex) of a request without its id; equal for requests that mean the same."""
    named = type(request)()
    named.CopyFrom(request)
    named.ClearField(REQUEST_ID)
    return hashlib.sha256(named.SerializeToString(deterministic=True)).hexdigest()
