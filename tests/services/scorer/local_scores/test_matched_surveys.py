from __future__ import annotations

import pytest

from services.common.store.store import Store
from services.scorer.local_scores.matched_surveys import (
    MOST_POINTS,
    MatchedSurveys,
    local_digest,
)
from services.scorer.surveys import Surveys
from spotted.errors import ConcurrencyError, PreconditionError
from spotted.v1 import local_features_pb2, survey_pb2
from tests.services.scorer.local.features import drawn
from tests.services.scorer.local.matched import SPEC, add_features, match
from tests.services.scorer.planted import Scorer

pytest.importorskip("cv2", reason="the extra `local` is not installed")


def test_what_is_read_is_what_was_stored_and_matched(
    scorer: Scorer, store: Store, surveys: Surveys, survey_id: str
) -> None:
    added = scorer.plant(survey_id, 8)[0]
    ids, matched = [d.detection_id for d in added], MatchedSurveys(store, surveys.snapshot)
    before = surveys.snapshot(survey_id)
    assert matched.pairs(before) is None
    assert matched.match(before, ids[0], ids[4]) is None
    add_features(scorer, survey_id, {i: n for n, i in enumerate(ids[:6])})
    featured = surveys.snapshot(survey_id)
    assert matched.feature_rows(featured).ready.tolist() == [True] * 6 + [False] * 2
    assert matched.features(featured, ids[7]) is None
    match(scorer, store, survey_id)
    after = surveys.snapshot(survey_id)
    pairs = matched.pairs(after)
    assert pairs is not None
    assert len(pairs) == after.survey.local_pair_count
    found = matched.match(after, ids[0], ids[4])
    assert found is not None
    assert 3 < len(found[0]) <= MOST_POINTS
    assert matched.match(after, ids[0], ids[7]) is None
    assert local_digest(after) != local_digest(featured)


def test_scores_that_another_call_replaced_are_no_damage(
    scorer: Scorer, store: Store, surveys: Surveys, survey_id: str
) -> None:
    added = scorer.plant(survey_id, 8)[0]
    add_features(scorer, survey_id, {d.detection_id: n for n, d in enumerate(added)})
    match(scorer, store, survey_id)
    before, matched = surveys.snapshot(survey_id), MatchedSurveys(store, surveys.snapshot)
    other = survey_pb2.LocalFeatureSpec(method=SPEC.method, digest="b" * 64)
    scorer.stub.AddLocalFeatures(
        local_features_pb2.AddLocalFeaturesRequest(
            survey_id=survey_id,
            spec=other,
            replace_spec=True,
            features=[
                local_features_pb2.DetectionLocalFeatures(
                    detection_id=added[0].detection_id, features=drawn(0, 4).to_bytes()
                )
            ],
        )
    )
    with pytest.raises(ConcurrencyError, match="changed while they were read; call again"):
        matched.pairs(before)
    assert matched.pairs(surveys.snapshot(survey_id)) is None


def test_detections_of_one_encounter_normalise_none_of_them(
    scorer: Scorer, store: Store, surveys: Surveys, survey_id: str
) -> None:
    added = scorer.plant(survey_id, 20)[0]
    snapshot = surveys.snapshot(survey_id)
    owner = MatchedSurveys(store, surveys.snapshot).feature_rows(snapshot).owner
    owners = [owner(row) for row in range(20)]
    for one, first in zip(added, owners, strict=True):
        for other, second in zip(added, owners, strict=True):
            same = one is other or (one.encounter_id != "" and one.encounter_id == other.encounter_id)
            assert (first == second) == same


def test_a_method_that_cannot_be_matched_is_named(
    scorer: Scorer, store: Store, surveys: Surveys, survey_id: str
) -> None:
    (detection,) = scorer.plant(survey_id, 1)[0]
    one = local_features_pb2.DetectionLocalFeatures(
        detection_id=detection.detection_id, features=drawn(0).to_bytes()
    )
    other = survey_pb2.LocalFeatureSpec(method="unheard-of", digest=SPEC.digest)
    scorer.stub.AddLocalFeatures(
        local_features_pb2.AddLocalFeaturesRequest(survey_id=survey_id, spec=other, features=[one])
    )
    with pytest.raises(PreconditionError, match="'unheard-of' cannot be matched"):
        MatchedSurveys(store, surveys.snapshot).method(surveys.snapshot(survey_id))
