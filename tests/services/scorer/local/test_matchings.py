from __future__ import annotations

import uuid
from dataclasses import replace

import grpc
import numpy as np
import pytest

from services.common.store import keys
from services.common.store.store import Store
from services.common.survey.existence import Existence
from services.common.survey.local_parts import LocalParts
from services.scorer.local.matchings import MATCH
from spotted import messages
from spotted.calibration.evidence import PairEvidence, compare_sides
from spotted.calibration.model import probability
from spotted.matching import shortlists
from spotted.v1 import local_features_pb2, operations_pb2, scorer_pb2, survey_pb2
from tests.services.failing import failure_of
from tests.services.scorer.local.matched import ANIMALS, add_features, animal_of, match, weigh_marks
from tests.services.scorer.planted import SPEC as EMBEDDING
from tests.services.scorer.planted import Scorer, detections, vectors
from tests.spotted.surveys import CALIBRATION

pytest.importorskip("cv2", reason="the extra `local` is not installed")
COUNT = 12
LOCAL = survey_pb2.FUSION_LOCAL


def plant(scorer: Scorer, survey_id: str, count: int = COUNT) -> list[str]:
    """Detections without places, times and images, so that any two may be matched."""
    scorer.create(survey_id)
    added = [
        replace(d, camera_id="", captured_at_s=None, image_id="", encounter_id="") for d in detections(count)
    ]
    scorer.stub.AddDetections(
        iter(
            [
                scorer_pb2.AddDetectionsRequest(
                    survey_id=survey_id,
                    spec=EMBEDDING,
                    detections=[messages.detection_message(d) for d in added],
                    embeddings=messages.tensor(vectors(count)),
                )
            ]
        )
    )
    return [d.detection_id for d in added]


def numbered(ids: list[str]) -> dict[str, int]:
    return {detection_id: n for n, detection_id in enumerate(ids)}


def candidates(scorer: Scorer, survey_id: str, k: int = COUNT) -> dict[str, list[scorer_pb2.Candidate]]:
    request = scorer_pb2.GetCandidatesRequest(survey_id=survey_id, top_k=k, fusion=LOCAL)
    answers = list(scorer.stub.GetCandidates(request))
    assert {answer.score_spec.fallback for answer in answers} == {""}
    return {one.detection_id: list(one.candidates) for answer in answers for one in answer.lists}


def local_scores(scorer: Scorer, survey_id: str) -> dict[tuple[str, str], float]:
    return {
        (query, one.detection_id): one.local
        for query, found in candidates(scorer, survey_id).items()
        for one in found
        if one.HasField("local")
    }


def test_matched_marks_raise_candidates_and_explain_the_pair(
    scorer: Scorer, store: Store, survey_id: str
) -> None:
    ids = plant(scorer, survey_id)
    before = scorer.stub.GetSurvey(scorer_pb2.GetSurveyRequest(survey_id=survey_id, fusion=LOCAL))
    assert "match-marks" in before.score_spec.fallback
    assert before.score_spec.fusion == survey_pb2.FUSION_PRODUCT
    add_features(scorer, survey_id, numbered(ids))
    operation = match(scorer, store, survey_id)
    pairs = COUNT * (COUNT - 1) // 2
    assert (operation.state, operation.result) == (operations_pb2.OPERATION_STATE_SUCCEEDED, str(pairs))
    lists = candidates(scorer, survey_id)
    animal = {detection_id: animal_of(n) for n, detection_id in enumerate(ids)}
    for query, found in lists.items():
        same = [animal[one.detection_id] == animal[query] for one in found]
        scores = [one.fused for one in found]
        assert scores == sorted(scores, reverse=True)
        assert sum(same) == COUNT // ANIMALS - 1
        for one, is_same in zip(found, same, strict=True):
            assert (one.matched_marks > 3) == is_same
            looks = 1.0 - (1.0 - one.visual) * np.exp(-10.0 * one.local) if is_same else one.visual
            assert one.fused == pytest.approx(looks, abs=1e-6)
    pair = survey_pb2.Pair(first_detection_id=ids[0], second_detection_id=ids[ANIMALS])
    explained = scorer.stub.ExplainPair(
        scorer_pb2.ExplainPairRequest(survey_id=survey_id, pair=pair, fusion=LOCAL)
    )
    assert explained.matched_marks == len(explained.matched_points) > 3
    assert sum(point.weight for point in explained.matched_points) <= explained.local + 1e-4
    assert all(0 <= value <= 1 for p in explained.matched_points for value in (p.first_x, p.second_y))
    scored = scorer.stub.ScorePairs(
        scorer_pb2.ScorePairsRequest(survey_id=survey_id, pairs=[pair], fusion=LOCAL)
    )
    assert messages.vector(scored.fused)[0] == pytest.approx(explained.fused)
    after = scorer.stub.GetSurvey(scorer_pb2.GetSurveyRequest(survey_id=survey_id, fusion=LOCAL))
    assert after.survey.local_pair_count == pairs
    assert len(after.score_spec.local_digest) == 64


def test_marks_count_in_calibrated_scores(scorer: Scorer, store: Store, survey_id: str) -> None:
    ids = plant(scorer, survey_id)
    add_features(scorer, survey_id, numbered(ids[:9]))
    weigh_marks(scorer, store, survey_id)
    match(scorer, store, survey_id)
    sides = {d.detection_id: d.side for d in detections(COUNT)}
    lists = scorer.candidates(survey_id, top_k=COUNT, fusion=survey_pb2.FUSION_CALIBRATED)
    matrix_request = scorer_pb2.GetScoreMatrixRequest(
        survey_id=survey_id, fusion=survey_pb2.FUSION_CALIBRATED
    )
    (block,) = scorer.stub.GetScoreMatrix(matrix_request)
    assert len(block.score_spec.local_digest) == 64
    matrix, unknown = messages.array(block.scores), np.array([np.nan])
    for one in lists:
        for other in one.candidates:
            pair = PairEvidence(
                np.array([other.visual]),
                unknown,
                unknown,
                unknown,
                compare_sides(np.array([sides[one.detection_id]]), np.array([sides[other.detection_id]])),
                np.array([other.local]) if other.matched_marks else None,
            )
            both_known = {one.detection_id, other.detection_id} <= {*ids[:9]}
            assert other.HasField("local") == both_known
            expected = probability(CALIBRATION, pair).item()
            assert other.fused == pytest.approx(expected, abs=1e-6)
            place = ids.index(one.detection_id), ids.index(other.detection_id)
            assert matrix[place] == pytest.approx(expected, abs=1e-3)
    explained = scorer.stub.ExplainPair(
        scorer_pb2.ExplainPairRequest(
            survey_id=survey_id,
            pair=survey_pb2.Pair(first_detection_id=ids[0], second_detection_id=ids[ANIMALS]),
            fusion=survey_pb2.FUSION_CALIBRATED,
        )
    )
    assert explained.fused == {c.detection_id: c.fused for c in lists[0].candidates}[ids[ANIMALS]]


def test_a_calibration_is_not_used_with_marks_of_other_features(
    scorer: Scorer, store: Store, survey_id: str
) -> None:
    ids = plant(scorer, survey_id)
    add_features(scorer, survey_id, numbered(ids))
    weigh_marks(scorer, store, survey_id)
    match(scorer, store, survey_id)
    other = survey_pb2.LocalFeatureSpec(method="hotspotter", digest="c" * 64)
    add_features(scorer, survey_id, numbered(ids), other)

    def spec() -> survey_pb2.ScoreSpec:
        request = scorer_pb2.GetSurveyRequest(survey_id=survey_id, fusion=survey_pb2.FUSION_CALIBRATED)
        return scorer.stub.GetSurvey(request).score_spec

    # nothing is matched yet, so every pair is unknown
    assert (spec().fallback, spec().local_digest) == ("", "")
    match(scorer, store, survey_id)
    assert "fitted on marks of other local features" in spec().fallback
    assert (spec().fusion, spec().local_digest) == (survey_pb2.FUSION_PRODUCT, "")


def test_a_new_photograph_moves_no_score_and_only_new_pairs_are_matched(
    scorer: Scorer, store: Store, survey_id: str
) -> None:
    ids = plant(scorer, survey_id)
    add_features(scorer, survey_id, numbered(ids[:9]))
    assert match(scorer, store, survey_id).result == str(9 * 8 // 2)
    before = local_scores(scorer, survey_id)
    add_features(scorer, survey_id, numbered(ids))
    assert match(scorer, store, survey_id).result == str(COUNT * (COUNT - 1) // 2 - 9 * 8 // 2)
    after = local_scores(scorer, survey_id)
    assert {pair: after[pair] for pair in before} == before
    assert len(after) == COUNT * (COUNT - 1)
    assert all(after[one, other] == after[other, one] for one, other in after)
    assert match(scorer, store, survey_id).result == "0"
    # a deleted detection takes its pairs along, one with other features begins without any
    scorer.stub.DeleteDetections(
        scorer_pb2.DeleteDetectionsRequest(survey_id=survey_id, detection_ids=[ids[0]])
    )
    add_features(scorer, survey_id, {ids[1]: 99})
    left = local_scores(scorer, survey_id)
    assert left == {pair: score for pair, score in after.items() if not {ids[0], ids[1]} & set(pair)}


def test_a_pair_outside_the_shortlists_is_unknown_and_a_larger_shortlist_adds_it(
    scorer: Scorer, store: Store, survey_id: str
) -> None:
    ids = plant(scorer, survey_id)
    add_features(scorer, survey_id, numbered(ids[:10]))
    few = int(match(scorer, store, survey_id, candidates=1).result)
    assert 5 <= few <= 10
    first = local_scores(scorer, survey_id)
    assert len(first) == 2 * few
    assert few + int(match(scorer, store, survey_id, candidates=50).result) == 45
    assert local_scores(scorer, survey_id).items() >= first.items()


def test_every_pair_of_a_small_survey_is_matched_unless_the_caller_says_otherwise(
    scorer: Scorer, store: Store, survey_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = plant(scorer, survey_id)
    add_features(scorer, survey_id, numbered(ids[:10]))
    monkeypatch.setattr(shortlists, "CANDIDATES", 1)
    monkeypatch.setattr(shortlists, "SHORTLISTED", 0)
    few = int(match(scorer, store, survey_id).result)
    assert 5 <= few <= 10
    monkeypatch.setattr(shortlists, "SHORTLISTED", 100)
    assert few + int(match(scorer, store, survey_id).result) == 45


def test_renewed_scores_replace_all_with_their_normalisers(
    scorer: Scorer, store: Store, survey_id: str
) -> None:
    ids = plant(scorer, survey_id, 8)
    add_features(scorer, survey_id, numbered(ids[:6]))
    match(scorer, store, survey_id)
    names = "return redis.call('HKEYS', KEYS[1])"
    read = store.script(names, writes=False)

    def stored(kind: str) -> set[bytes]:
        found: object = read([keys.local_parts(survey_id)], [])
        assert isinstance(found, list)
        return {name for name in found if name.startswith(kind.encode())}

    old = stored("n:")
    add_features(scorer, survey_id, numbered(ids))
    assert match(scorer, store, survey_id, renew=True).result == "28"
    assert len(old) == len(stored("n:")) == len(stored("s:")) == 1
    assert stored("n:") != old
    survey = scorer.stub.GetSurvey(scorer_pb2.GetSurveyRequest(survey_id=survey_id)).survey
    assert survey.local_pair_count == 28


def test_there_must_be_features_and_one_matching_at_a_time(
    scorer: Scorer, store: Store, survey_id: str
) -> None:
    ids = plant(scorer, survey_id, 4)
    request = local_features_pb2.MatchLocalFeaturesRequest(survey_id=survey_id, request_id=uuid.uuid4().hex)
    for expected in ("spotted embed", "already running"):
        with pytest.raises(grpc.RpcError) as caught:
            scorer.stub.MatchLocalFeatures(request)
        assert failure_of(caught.value)[:2] == (grpc.StatusCode.FAILED_PRECONDITION, "PRECONDITION")
        assert expected in failure_of(caught.value)[2]
        add_features(scorer, survey_id, numbered(ids))
        generation = Existence(store).generation(survey_id)
        store.put(keys.matching(survey_id, generation), b"another", ttl_s=60)
    store.delete(keys.matching(survey_id, generation))
    first = scorer.stub.MatchLocalFeatures(request).operation
    assert scorer.stub.MatchLocalFeatures(request).operation.operation_id == first.operation_id
    assert [name for name in store.names(keys.of_survey(survey_id)) if f":{MATCH}:{generation}" in name]


def test_lost_scores_are_named_with_the_remedy(scorer: Scorer, store: Store, survey_id: str) -> None:
    ids = plant(scorer, survey_id, 4)
    add_features(scorer, survey_id, numbered(ids))
    match(scorer, store, survey_id)
    store.delete(keys.local_parts(survey_id))
    assert LocalParts(store).get(survey_id, ["s:1"]) == [None]
    request = scorer_pb2.GetCandidatesRequest(survey_id=survey_id, top_k=2, fusion=LOCAL)
    add_features(scorer, survey_id, {ids[0]: 50})
    with pytest.raises(grpc.RpcError) as caught:
        list(scorer.stub.GetCandidates(request))
    assert failure_of(caught.value)[1] == "DAMAGED"
    assert "--renew" in failure_of(caught.value)[2]
