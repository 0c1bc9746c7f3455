from __future__ import annotations

from services.sampler.facts.asked import asked_about
from spotted.v1 import sampler_pb2 as pb


def test_a_version_of_zero_is_not_one_that_is_left_out() -> None:
    label = pb.Label(first_detection_id="a", second_detection_id="b", second_version=0)
    assert asked_about(label) == [("a", None), ("b", 0)]


def test_a_burst_has_a_version_for_each_frame_or_none() -> None:
    burst = pb.DetectionSet(detection_ids=["c", "a", "b"])
    assert asked_about(burst) == [("c", None), ("a", None), ("b", None)]
    burst.versions.extend([0, 2, 0])
    assert asked_about(burst) == [("c", 0), ("a", 2), ("b", 0)]
