"""Requests from their bytes, inside the boundary of errors: what is no message is refused in our words.

gRPC parses before a handler is called, and what it cannot parse ends there as UNKNOWN with a trace in the
log. So handlers are registered without a deserializer, and parse here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message

from spotted.errors import InvalidInputError

# far longer than any id, token or digest; what is as long would fill keys, logs and error messages
LONGEST_TEXT = 1024

# Any stands for the request type, which differs at every rpc.
Deserialize = Callable[[bytes], Any]


def parsed(deserialize: Deserialize | None, content: bytes) -> Any:  # noqa: ANN401 - any rpc
    """The request that these bytes are, or they themselves without a deserializer.

    Raises InvalidInputError where they are no message of the rpc, or one of its own texts is too long.
    """
    if deserialize is None:
        return content
    try:
        request = deserialize(content)
    except DecodeError as error:
        raise InvalidInputError(
            f"these {len(content)} bytes are not the request of this call ({error}); make it with the "
            "contract's stubs"
        ) from error
    if isinstance(request, Message):
        _check_texts(request)
    return request


async def parsed_each(deserialize: Deserialize | None, contents: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    """The requests of a stream, each as `parsed` has it."""
    async for content in contents:
        yield parsed(deserialize, content)


def _check_texts(request: Message) -> None:
    """Raise InvalidInputError where a text of the request itself is longer than any id or token."""
    for field, value in request.ListFields():
        if field.type == FieldDescriptor.TYPE_STRING and not field.is_repeated and len(value) > LONGEST_TEXT:
            raise InvalidInputError(
                f"{field.name} has {len(value)} characters; use {LONGEST_TEXT} at most", field=field.name
            )
