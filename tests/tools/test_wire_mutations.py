from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from google.protobuf.message import DecodeError

from spotted.v1 import embedder_pb2, scorer_pb2, survey_pb2
from tools.wire_mutations import DAMAGES, LARGEST_BYTES, damaged, mutate
from tools.wire_requests import drawn

TIMES = 400


def block(rng: np.random.Generator) -> scorer_pb2.AddDetectionsRequest:
    request = drawn(scorer_pb2.AddDetectionsRequest.DESCRIPTOR, rng)
    assert isinstance(request, scorer_pb2.AddDetectionsRequest)
    return request


def test_a_mutation_changes_one_thing_and_the_request_can_still_be_read() -> None:
    rng = np.random.default_rng(0)
    changed = 0
    for _ in range(TIMES):
        request = block(rng)
        before = request.SerializeToString()
        mutate(request, rng, ["other"])
        after = request.SerializeToString()
        assert scorer_pb2.AddDetectionsRequest.FromString(after) is not None
        assert len(after) < LARGEST_BYTES + len(before) + 200_000
        changed += after != before
    # some draw the value that stands there already
    assert changed > 0.8 * TIMES


def test_mutations_reach_every_field_and_the_edges_of_its_type() -> None:
    rng = np.random.default_rng(1)
    seen: set[object] = set()
    counts: set[int] = set()
    for _ in range(4 * TIMES):
        request = block(rng)
        mutate(request, rng, ["other"])
        for detection in request.detections[:3]:
            seen |= {detection.detection_id, detection.side, detection.captured_at.seconds}
        seen |= {*request.embeddings.shape, request.embeddings.element_type, request.spec.dimension}
        counts.add(len(request.detections))
    assert {"other", "a" * 257, -1, 99, (1 << 63) - 1, (1 << 32) - 1} <= seen
    assert {0, 1001} <= counts


def test_numbers_become_nan_infinite_negative_and_denormal() -> None:
    rng = np.random.default_rng(2)
    seen: set[str] = set()
    for _ in range(TIMES):
        position = survey_pb2.Position(x_m=1.0, y_m=2.0)
        mutate(position, rng, [])
        seen |= {repr(position.x_m), repr(position.y_m)}
    assert {"nan", "inf", "-inf", "5e-324", "-1.0"} <= seen


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_every_damage_can_be_done_to_anything(damage: Callable[[bytes, np.random.Generator], bytes]) -> None:
    rng = np.random.default_rng(3)
    for content in (b"", b"\n", b"\n\x01a", block(rng).SerializeToString()):
        for _ in range(20):
            assert isinstance(damage(content, rng), bytes)


def test_a_parser_refuses_most_damaged_requests_and_takes_some_for_others() -> None:
    rng = np.random.default_rng(4)
    content = embedder_pb2.EmbedRequest(survey_id="survey", model_id="model").SerializeToString()
    refused = 0
    for _ in range(TIMES):
        try:
            embedder_pb2.EmbedRequest.FromString(damaged(content, rng))
        except DecodeError:
            refused += 1
    assert TIMES / 4 < refused < TIMES
