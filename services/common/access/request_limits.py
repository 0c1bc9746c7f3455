"""Largest request of each rpc, by what its message can hold.

gRPC has one limit for all rpcs of a server, and receives up to that before a limit of an rpc can be checked.
"""

from __future__ import annotations

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from services.common.access import caller
from services.common.access.message_fields import find
from services.common.access.quotas import is_image
from services.common.rpc.message_sizes import MAX_MESSAGE_BYTES

# ids, numbers, times and settings: texts have at most 1,024 characters
SMALL_BYTES = 64 * 1024


def limits_by_path(largest: int) -> dict[str, int]:
    """The limit of each rpc of the contract by its path, bytes.

    largest: limit of requests with images, and of all others if it is lower than theirs.
    """
    return {path: min(_limit(method, largest), largest) for path, method in caller.methods().items()}


def _limit(method: MethodDescriptor, largest: int) -> int:
    if find(method.input_type, is_image):
        return largest
    return MAX_MESSAGE_BYTES if _holds_many(method.input_type, frozenset()) else SMALL_BYTES


def _holds_many(kind: Descriptor, above: frozenset[str]) -> bool:
    """Whether a message can hold a list or bytes; a type that contains itself counts as one."""
    if kind.full_name in above:
        return True
    above |= {kind.full_name}
    return any(
        field.is_repeated
        or field.type == FieldDescriptor.TYPE_BYTES
        or (field.message_type is not None and _holds_many(field.message_type, above))
        for field in kind.fields
    )
