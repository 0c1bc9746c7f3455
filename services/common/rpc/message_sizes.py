"""Limits of the bytes of messages, in both directions, with an error of Spotted beyond them.

gRPC's own error for a message that is too large looks like overload, and would be retried for ever. So gRPC
accepts more than the limit, and messages are measured here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from spotted.errors import MessageTooLargeError

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
# gRPC itself refuses messages beyond this multiple of the limit, which bounds the memory of a call
REFUSED_BY_GRPC = 2

# Any stands for the response type, which differs between rpcs
Serialize = Callable[[Any], bytes]


def options(max_receive_bytes: int) -> list[tuple[str, int]]:
    """Options of a gRPC server that accepts messages up to a size."""
    return [
        ("grpc.max_receive_message_length", REFUSED_BY_GRPC * max_receive_bytes),
        ("grpc.max_send_message_length", -1),
    ]


def check_received(content: bytes, most: int) -> None:
    """Raise MessageTooLargeError if a request is larger than this server accepts."""
    if len(content) > most:
        raise MessageTooLargeError(
            f"the message has {len(content)} bytes, this call accepts {most}; send smaller messages, e.g. "
            "fewer items in each or a smaller image"
        )


def serialized(serialize: Serialize | None, response: Any, most: int) -> bytes:  # noqa: ANN401 - any rpc
    """The bytes of a response. Raises MessageTooLargeError if they are more than clients accept."""
    content: bytes = response if serialize is None else serialize(response)
    if len(content) > most:
        raise MessageTooLargeError(
            f"the answer has {len(content)} bytes, clients accept {most}; ask for less in one call, e.g. for "
            "a smaller page or fewer items"
        )
    return content
