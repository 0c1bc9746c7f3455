from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from services.common.access import caller
from services.common.access.request_limits import SMALL_BYTES, limits_by_path
from services.common.rpc.message_sizes import MAX_MESSAGE_BYTES
from services.common.rpc.parsing import LONGEST_TEXT

LARGEST = 32 << 20
LIMITS = limits_by_path(LARGEST)
SMALL = sorted(path for path, limit in LIMITS.items() if limit == SMALL_BYTES)


def test_only_requests_with_images_may_be_as_large_as_images() -> None:
    large = {path.rpartition("/")[2] for path, limit in LIMITS.items() if limit == LARGEST}
    assert large == {"Embed", "EmbedStream", "GetHeatMap", "AddReferenceImage"}


def test_lists_and_vectors_have_room_and_single_ids_do_not() -> None:
    assert set(LIMITS) == set(caller.methods())
    assert set(LIMITS.values()) == {SMALL_BYTES, MAX_MESSAGE_BYTES, LARGEST}
    scorer, sampler = "/spotted.v1.ScorerService", "/spotted.v1.SamplerService"
    for path in (f"{scorer}/AddDetections", f"{scorer}/ScorePairs", f"{sampler}/ImportSession"):
        assert LIMITS[path] == MAX_MESSAGE_BYTES
    for path in (f"{scorer}/GetSurvey", f"{scorer}/DeleteSurvey", f"{sampler}/GetProgress"):
        assert LIMITS[path] == SMALL_BYTES


def fill(message: Message) -> None:
    """Set every field of a message to the longest that it may have."""
    chosen: set[str] = set()
    for field in message.DESCRIPTOR.fields:
        oneof = field.containing_oneof
        if oneof is not None and oneof.name in chosen:
            continue
        chosen |= {oneof.name} if oneof is not None else set()
        if field.message_type is not None:
            held: Any = getattr(message, field.name)
            held.SetInParent()
            fill(held)
        elif field.type == FieldDescriptor.TYPE_STRING:
            # four bytes each
            setattr(message, field.name, "\N{ELEPHANT}" * LONGEST_TEXT)
        elif field.enum_type is None and field.cpp_type != FieldDescriptor.CPPTYPE_BOOL:
            setattr(message, field.name, 1)


@pytest.mark.parametrize("path", SMALL)
def test_the_largest_valid_request_fits_its_limit(path: str) -> None:
    request = message_factory.GetMessageClass(caller.methods()[path].input_type)()
    fill(request)
    assert 0 <= request.ByteSize() <= SMALL_BYTES
