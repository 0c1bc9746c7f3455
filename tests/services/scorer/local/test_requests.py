from __future__ import annotations

import pytest

from services.scorer.local.requests import MOST_FEATURES, feature_block
from spotted.errors import InvalidInputError
from spotted.local_features.features import MOST_BYTES
from spotted.v1 import local_features_pb2 as pb
from spotted.v1 import survey_pb2
from tests.services.scorer.local.features import drawn

GOOD = drawn(0).to_bytes()
SPEC = survey_pb2.LocalFeatureSpec(method="hotspotter", digest="a")


def request(
    *features: tuple[str, bytes], spec: survey_pb2.LocalFeatureSpec = SPEC
) -> pb.AddLocalFeaturesRequest:
    listed = [pb.DetectionLocalFeatures(detection_id=i, features=f) for i, f in features]
    return pb.AddLocalFeaturesRequest(survey_id="kruger", spec=spec, features=listed)


def test_damaged_features_fail_one_detection_only() -> None:
    changed = GOOD[:-1] + bytes([GOOD[-1] ^ 1])
    block = feature_block(request(("a", GOOD), ("b", changed), ("c", b"x" * (MOST_BYTES + 1)), ("d", b"")))
    assert set(block.faults) == {"b", "c", "d"}
    assert "checksum" in str(block.faults["b"])
    assert "65537 bytes" in str(block.faults["c"])
    assert block.features["a"] == GOOD


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (request(), "features"),
        (request(*(("a", GOOD),) * 2), "features"),
        (request(*((f"d{n}", b"") for n in range(MOST_FEATURES + 1))), "features"),
        (request(("a", GOOD), spec=survey_pb2.LocalFeatureSpec(method="hotspotter")), "spec.digest"),
        (request(("a", GOOD), spec=survey_pb2.LocalFeatureSpec(digest="a")), "spec.method"),
    ],
)
def test_a_wrong_request_names_its_field(wrong: pb.AddLocalFeaturesRequest, field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        feature_block(wrong)
    assert caught.value.field == field
