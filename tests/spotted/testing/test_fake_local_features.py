from __future__ import annotations

import pytest

from spotted.errors import DigestMismatchError
from spotted.testing.fake_local_features import SPEC, add_features, extract
from spotted.v1 import local_features_pb2 as pb
from spotted.v1 import survey_pb2


def request(spec: survey_pb2.LocalFeatureSpec = SPEC, **features: bytes) -> pb.AddLocalFeaturesRequest:
    listed = [pb.DetectionLocalFeatures(detection_id=i, features=f) for i, f in features.items()]
    return pb.AddLocalFeaturesRequest(spec=spec, features=listed)


def test_equal_images_have_equal_features() -> None:
    assert extract(b"a") == extract(b"a") != extract(b"b")


def test_features_are_counted_and_of_one_method() -> None:
    stored, survey = dict[str, bytes](), survey_pb2.Survey(survey_id="kruger")
    response = add_features({"a", "b"}, stored, survey, request(a=b"1", b=b"2", c=b"3"))
    assert (response.added, [one.detection_id for one in response.rejected]) == (2, ["c"])
    assert add_features({"a"}, stored, survey, request(a=b"1")).unchanged == 1
    assert survey.local_feature_count == 2
    with pytest.raises(DigestMismatchError):
        add_features({"a"}, stored, survey, request(survey_pb2.LocalFeatureSpec(method="m"), a=b"1"))
