from __future__ import annotations

import hashlib

import numpy as np
import pytest

from services.embedder.images.decoding import decode
from services.scorer import requests as scorer_wire
from spotted import messages
from spotted.v1 import sampler_pb2, scorer_pb2
from tools.wire_calls import Rpc, rpcs
from tools.wire_requests import DIMENSION, drawn, head, picture


@pytest.mark.parametrize("rpc", rpcs(), ids=lambda rpc: rpc.method)
def test_every_request_is_drawn_as_the_same_seed_says_and_is_not_always_the_same(rpc: Rpc) -> None:
    first, again = ([drawn(rpc.kind, np.random.default_rng(n)) for n in range(20)] for _ in range(2))
    assert first == again
    assert len({one.SerializeToString(deterministic=True) for one in first}) > 1 or len(rpc.kind.fields) < 2


def test_blocks_of_detections_are_sound() -> None:
    for seed in range(50):
        request = drawn(scorer_pb2.AddDetectionsRequest.DESCRIPTOR, np.random.default_rng(seed))
        assert isinstance(request, scorer_pb2.AddDetectionsRequest)
        assert messages.array(request.embeddings).shape == (len(request.detections), DIMENSION)
        if len(request.detections) <= scorer_wire.MOST_ITEMS:
            assert not scorer_wire.block(request, "").faults


def test_a_journal_to_import_contains_its_positions() -> None:
    request = drawn(sampler_pb2.ImportSessionRequest.DESCRIPTOR, np.random.default_rng(0))
    assert isinstance(request, sampler_pb2.ImportSessionRequest)
    assert [event.position for event in request.events] == [1, 2, 3]
    assert [event.WhichOneof("event") for event in request.events] == ["created", "planned", "labelled"]


def test_the_picture_and_the_head_are_real_and_the_same_each_time() -> None:
    assert decode(picture(np.random.default_rng(0)), max_pixels=10_000).shape == (24, 32, 3)
    assert len({hashlib.sha256(head()).hexdigest() for _ in range(2)}) == 1
