from __future__ import annotations

from spotted.client.local_features.messages import BLOCK_BYTES, MOST_FEATURES, added_features, blocks
from spotted.v1 import local_features_pb2 as pb
from spotted.v1 import survey_pb2


def test_blocks_hold_all_features_in_order_within_their_bounds() -> None:
    large = {f"large-{n}": b"x" * 60_000 for n in range(40)}
    many = {f"many-{n}": b"" for n in range(MOST_FEATURES + 5)}
    made = list(blocks(large | many))
    assert [one.detection_id for block in made for one in block] == [*large, *many]
    assert max(sum(len(one.features) for one in block) for block in made) <= BLOCK_BYTES
    assert max(map(len, made)) <= MOST_FEATURES
    assert not list(blocks({}))


def test_results_of_several_calls_are_one() -> None:
    error = survey_pb2.ItemError(reason="NOT_FOUND", message="add it first")
    rejected = [pb.RejectedLocalFeatures(detection_id="a", error=error)]
    survey = survey_pb2.Survey(
        revision=5, local_feature_count=3, local_features=survey_pb2.LocalFeatureSpec(method="m", digest="d")
    )
    found = added_features(
        [
            pb.AddLocalFeaturesResponse(added=2, unchanged=1, rejected=rejected),
            pb.AddLocalFeaturesResponse(added=1, survey=survey),
        ]
    )
    assert (found.added, found.unchanged, found.survey.local_feature_count) == (3, 1, 3)
    assert [(one.detection_id, one.reason) for one in found.rejected] == [("a", "NOT_FOUND")]
    assert found.survey.local_features is not None
    assert found.survey.local_features.method == "m"
