"""Requests parsed from bytes, so that invalid bytes are reported as errors of Spotted.

gRPC would parse before a handler is called, and report bytes that it cannot parse as UNKNOWN with a trace in
the log. So handlers are registered without a deserializer, and requests are parsed here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message

from services.common.rpc.message_sizes import MAX_MESSAGE_BYTES, check_received
from services.common.store import request_content
from spotted.errors import InvalidInputError

# far longer than any id, token or digest; longer texts would fill keys, logs and error messages
LONGEST_TEXT = 1024

# Any stands for the request type, which differs between rpcs
Deserialize = Callable[[bytes], Any]


def parse(deserialize: Deserialize | None, content: bytes, *, most: int = MAX_MESSAGE_BYTES) -> Any:  # noqa: ANN401 - any rpc
    """The request in these bytes, or the bytes themselves without a deserializer.

    Its content is noted for the rest of the call, so that the store tells a repeat from another request.
    most: largest number of bytes. Raises MessageTooLargeError for more, InvalidInputError if they are not a
    message of the rpc, or one of its own texts is too long.
    """
    check_received(content, most)
    if deserialize is None:
        return content
    try:
        request = deserialize(content)
    except DecodeError as error:
        raise InvalidInputError(
            f"the {len(content)} bytes sent are not a request of this rpc ({error}); use stubs generated "
            "from the contract"
        ) from error
    if isinstance(request, Message):
        _check_texts(request)
        request_content.enter(request)
    return request


async def parse_each(
    deserialize: Deserialize | None, contents: AsyncIterator[bytes], *, most: int = MAX_MESSAGE_BYTES
) -> AsyncIterator[Any]:
    """The requests of a stream, each parsed by `parse`."""
    async for content in contents:
        yield parse(deserialize, content, most=most)


def _check_texts(request: Message) -> None:
    """Raise InvalidInputError if a text of the request itself is longer than any id or token."""
    for field, value in request.ListFields():
        if field.type == FieldDescriptor.TYPE_STRING and not field.is_repeated and len(value) > LONGEST_TEXT:
            raise InvalidInputError(
                f"{field.name} has {len(value)} characters; use at most {LONGEST_TEXT}", field=field.name
            )
