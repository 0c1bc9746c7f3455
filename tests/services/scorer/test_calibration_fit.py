from __future__ import annotations

import math
import uuid
from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest

from services.common.process import now
from services.common.store.store import Store
from services.scorer.calibration_fit import KnownAnswers, fit
from services.scorer.calibrations import CalibrationStore
from services.scorer.list_cache import ListCache
from services.scorer.scored_surveys import ScoredSurvey
from spotted import messages
from spotted.arrays import Float32Array
from spotted.calibration.evidence import PairEvidence, compare_sides
from spotted.calibration.fit import fit_calibration
from spotted.calibration.model import Calibration, probability
from spotted.calibration.starting import starting_calibration
from spotted.errors import InvalidInputError, NotFoundError
from spotted.scoring import geometry
from spotted.scoring.local_pairs import LocalPairs
from spotted.survey import Detection
from spotted.v1 import scorer_pb2 as pb
from spotted.v1 import survey_pb2
from tests.services.scorer.known import COUNT, known_detections, known_vectors, plant_known
from tests.services.scorer.plain import alike, feasible, journey, two_animals
from tests.services.scorer.planted import SPEC, START_S, Scorer, ask, vectors
from tests.services.scorer.snapshots import planted_snapshot

CALIBRATED = survey_pb2.FUSION_CALIBRATED

Labels = list[tuple[str, str, bool]]
Answer = (
    pb.GetSurveyResponse
    | pb.GetCandidatesResponse
    | pb.QueryCandidatesResponse
    | pb.ScorePairsResponse
    | pb.GetScoreMatrixResponse
    | pb.ExplainPairResponse
)


@pytest.fixture
def learned(scorer: Scorer, store: Store, survey_id: str) -> Calibration:
    """The calibration fitted to the known individuals, active from now on."""
    plant_known(scorer, survey_id)
    digest = known(scorer, survey_id).survey.calibration_digest
    return CalibrationStore(store, now=now).get(digest)[0]


def known(scorer: Scorer, survey_id: str) -> pb.FitCalibrationResponse:
    return scorer.stub.FitCalibration(
        pb.FitCalibrationRequest(survey_id=survey_id, use_known_individuals=True)
    )


def labelled(
    survey_id: str, labels: Iterable[tuple[str, str, bool]], request_id: str = ""
) -> pb.FitCalibrationRequest:
    pairs = [
        pb.LabelledPair(pair=survey_pb2.Pair(first_detection_id=a, second_detection_id=b), same=same)
        for a, b, same in labels
    ]
    return pb.FitCalibrationRequest(survey_id=survey_id, labels=pairs, request_id=request_id)


def all_labels() -> Labels:
    """The answer to every pair."""
    return [
        (a.detection_id, b.detection_id, a.individual_id == b.individual_id)
        for a, b in combinations(known_detections(), 2)
    ]


def survey(scorer: Scorer, survey_id: str) -> survey_pb2.Survey:
    return scorer.stub.GetSurvey(pb.GetSurveyRequest(survey_id=survey_id)).survey


def by_hand(
    learned: Calibration, a: Detection, b: Detection, one: Float32Array, other: Float32Array
) -> float:
    """The score of one pair, each piece of evidence written out."""
    if two_animals(a, b):
        return 0.0
    evidence = alike(one, other), feasible(a, b), *journey(a, b)
    looks, likely, far, late = (np.array([math.nan if value is None else value]) for value in evidence)
    sides = compare_sides(np.array([a.side]), np.array([b.side]))
    return float(probability(learned, PairEvidence(looks, likely, far, late, sides))[0])


def test_all_labels_teach_what_the_known_individuals_do(scorer: Scorer, survey_id: str) -> None:
    plant_known(scorer, survey_id)
    by_labels = scorer.stub.FitCalibration(labelled(survey_id, all_labels()))
    by_individuals = known(scorer, survey_id)
    assert by_labels.reason == by_individuals.reason == ""
    same = sum(label[2] for label in all_labels())
    found = by_labels.same_pairs, by_labels.different_pairs, by_labels.individuals
    assert found == (same, COUNT * (COUNT - 1) // 2 - same, 12)
    assert by_labels.survey.calibration_digest == by_individuals.survey.calibration_digest != ""
    assert 0.0 < by_labels.held_out_error < 0.2
    assert by_labels.HasField("held_out_gain")
    assert by_labels.score_spec.calibration_digest == by_labels.survey.calibration_digest
    assert by_labels.score_spec.fusion == CALIBRATED


def test_what_follows_from_labels_is_learned_from_too(scorer: Scorer, survey_id: str) -> None:
    plant_known(scorer, survey_id)
    animals: dict[str, list[str]] = {}
    for detection in known_detections():
        animals.setdefault(detection.individual_id, []).append(detection.detection_id)
    # each animal as a chain, and one answer between every two of them
    chains = [(a, b, True) for ids in animals.values() for a, b in pairwise(ids)]
    apart = [(a[1], b[2], False) for a, b in combinations(animals.values(), 2)]
    few = scorer.stub.FitCalibration(labelled(survey_id, [*chains, *apart]))
    every = scorer.stub.FitCalibration(labelled(survey_id, all_labels()))
    assert (few.same_pairs, few.different_pairs) == (every.same_pairs, every.different_pairs)
    assert few.survey.calibration_digest == every.survey.calibration_digest


@pytest.mark.parametrize("matched", [False, True])
def test_what_is_learned_is_what_the_library_learns(matched: bool) -> None:  # noqa: FBT001 - a case
    snapshot = planted_snapshot(45)
    rng, first, second = np.random.default_rng(0), *np.triu_indices(45, 1)
    scores = np.where(first // 5 == second // 5, 4.0, 1.0) * rng.random(len(first))
    known = np.flatnonzero(rng.random(len(first)) < (0.7 if matched else 0.0))
    marks = LocalPairs.of(
        first[known], second[known], scores[known].astype(np.float32), np.ones(len(known), np.uint16)
    )
    scored = ScoredSurvey(snapshot, snapshot.gallery, "none yet", ListCache, local=lambda: marks)
    ids = [d.detection_id for d in snapshot.detections]
    # nine animals of five photographs, known only from answers
    pairs = [(a, b) for a, b in combinations(range(45), 2)]
    answers = [(ids[a], ids[b], a // 5 == b // 5) for a, b in pairs]
    rows = np.array(pairs)
    evidence = snapshot.gallery.evidence(rows[:, 0], rows[:, 1])
    local = np.full(len(first), np.nan)
    local[known] = scores[known].astype(np.float32)
    evidence = replace(evidence, local=local if matched else None)
    expected = fit_calibration(evidence, rows, rows // 5, candidates=len(ids) - 1)
    assert expected.uses_marks
    assert fit(scored, KnownAnswers(answers, use_known_individuals=False)) == (expected, "")


def test_answers_get_random_pairs_beside_them_and_names_do_not() -> None:
    snapshot = planted_snapshot(45)
    named = tuple(replace(d, individual_id=f"a{row // 5}") for row, d in enumerate(snapshot.detections))
    snapshot = replace(snapshot, detections=named)
    scored = ScoredSurvey(snapshot, snapshot.gallery, "none yet", ListCache)
    ids = [d.detection_id for d in named]
    pairs = np.array(list(combinations(range(45), 2)))
    # the answers of a session about half of the animals
    asked = (pairs < 25).all(axis=1)
    answers = [(ids[a], ids[b], a // 5 == b // 5) for a, b in pairs[asked].tolist()]
    rows = np.concatenate([pairs[asked], pairs[~asked]])
    evidence = snapshot.gallery.evidence(rows[:, 0], rows[:, 1])
    background = np.arange(len(rows)) >= asked.sum()
    # two animals of one image need no answer
    apart = ~(background & geometry.same_image(snapshot.gallery.table, rows[:, 0], rows[:, 1]))
    number = np.where(rows < 25, rows // 5, -1 - rows)
    expected = fit_calibration(
        evidence.at(apart), rows[apart], number[apart], candidates=44, background=background[apart]
    )
    found, _ = fit(scored, KnownAnswers(answers, use_known_individuals=False))
    assert found == expected
    plain = fit_calibration(evidence.at(~background), rows[~background], number[~background], candidates=44)
    assert found != plain
    by_names, _ = fit(scored, KnownAnswers((), use_known_individuals=True))
    assert by_names == fit_calibration(
        snapshot.gallery.evidence(pairs[:, 0], pairs[:, 1]), pairs, pairs // 5, candidates=44
    )


def test_too_few_labels_say_so_and_start_in_the_order_of_the_product(scorer: Scorer, survey_id: str) -> None:
    plant_known(scorer, survey_id)
    few = [label for label in all_labels() if label[2]][:19]
    answer = scorer.stub.FitCalibration(labelled(survey_id, few))
    assert "19 same and 0 different pairs" in answer.reason
    assert "20 and 20 pairs and 5 individuals are needed" in answer.reason
    assert answer.kind == pb.CALIBRATION_KIND_STARTING
    assert (answer.held_out_error, answer.HasField("held_out_gain")) == (0.0, False)
    assert answer.survey == survey(scorer, survey_id)
    assert answer.survey.calibration_digest == answer.score_spec.calibration_digest
    # the answers move the probabilities of other surveys
    assert answer.survey.calibration_digest != starting_calibration(COUNT - 1).digest
    assert answer.same_pairs == 19
    started, product = (
        [[c.detection_id for c in found.candidates] for found in scorer.candidates(survey_id, fusion=fusion)]
        for fusion in (CALIBRATED, survey_pb2.FUSION_PRODUCT)
    )
    assert started == product


def test_too_few_labels_take_nothing_away_that_was_learned(scorer: Scorer, survey_id: str) -> None:
    plant_known(scorer, survey_id)
    learned = known(scorer, survey_id)
    assert learned.kind in {pb.CALIBRATION_KIND_PRODUCT, pb.CALIBRATION_KIND_EVIDENCE}
    answer = scorer.stub.FitCalibration(labelled(survey_id, []))
    assert "the survey keeps its calibration" in answer.reason
    assert answer.kind == pb.CALIBRATION_KIND_UNSPECIFIED
    assert answer.survey == learned.survey == survey(scorer, survey_id)
    assert answer.score_spec.calibration_digest == learned.survey.calibration_digest


def test_a_survey_without_detections_starts_too(scorer: Scorer, survey_id: str) -> None:
    scorer.create(survey_id)
    answer = scorer.stub.FitCalibration(labelled(survey_id, []))
    assert answer.kind == pb.CALIBRATION_KIND_STARTING


def test_labels_of_what_is_not_there_are_refused(scorer: Scorer, survey_id: str) -> None:
    plant_known(scorer, survey_id)
    call = scorer.stub.FitCalibration
    with pytest.raises(NotFoundError, match="'ghost'"):
        ask(call, labelled(survey_id, [("d0000", "ghost", True)]))
    with pytest.raises(NotFoundError, match=f"{survey_id}-not"):
        ask(call, labelled(f"{survey_id}-not", all_labels()))
    with pytest.raises(InvalidInputError, match=r"labels\[1\]\.pair names 'd0001' twice"):
        ask(call, labelled(survey_id, [("d0000", "d0001", True), ("d0001", "d0001", True)]))


def test_a_repeated_request_answers_as_the_first_time(scorer: Scorer, survey_id: str) -> None:
    detections, _ = plant_known(scorer, survey_id)
    request = labelled(survey_id, all_labels(), request_id=str(uuid.uuid4()))
    first = scorer.stub.FitCalibration(request)
    assert scorer.stub.FitCalibration(request) == first
    assert survey(scorer, survey_id) == first.survey
    # not even if the survey has changed since
    gone = [detections[0].detection_id]
    scorer.stub.DeleteDetections(pb.DeleteDetectionsRequest(survey_id=survey_id, detection_ids=gone))
    scorer.stub.ActivateCalibration(pb.ActivateCalibrationRequest(survey_id=survey_id))
    end = survey(scorer, survey_id)
    assert scorer.stub.FitCalibration(request) == first
    assert survey(scorer, survey_id) == end


def test_a_calibration_is_left_and_taken_up_again(
    scorer: Scorer, survey_id: str, learned: Calibration
) -> None:
    calibrated = scorer.candidates(survey_id, fusion=CALIBRATED)
    call = scorer.stub.ActivateCalibration
    request = pb.ActivateCalibrationRequest(survey_id=survey_id, request_id=str(uuid.uuid4()))
    off = call(request)
    assert (off.survey.calibration_digest, off.score_spec.fusion) == ("", survey_pb2.FUSION_PRODUCT)
    assert "has no calibration" in off.score_spec.fallback
    assert scorer.candidates(survey_id, fusion=CALIBRATED) == scorer.candidates(survey_id)
    on = call(pb.ActivateCalibrationRequest(survey_id=survey_id, calibration_digest=learned.digest))
    assert on.survey.revision == off.survey.revision + 1
    assert on.survey.calibration_digest == on.score_spec.calibration_digest == learned.digest
    assert scorer.candidates(survey_id, fusion=CALIBRATED) == calibrated
    # a repeat changes nothing
    assert call(request).survey == off.survey
    assert survey(scorer, survey_id) == on.survey


def test_an_unknown_calibration_is_refused_and_changes_nothing(
    scorer: Scorer, survey_id: str, learned: Calibration
) -> None:
    before = survey(scorer, survey_id)
    request = pb.ActivateCalibrationRequest(survey_id=survey_id, calibration_digest="0" * 64)
    with pytest.raises(NotFoundError, match="calibration '0000"):
        ask(scorer.stub.ActivateCalibration, request)
    assert survey(scorer, survey_id) == before
    assert before.calibration_digest == learned.digest
    with pytest.raises(NotFoundError, match=f"{survey_id}-not"):
        ask(scorer.stub.ActivateCalibration, pb.ActivateCalibrationRequest(survey_id=f"{survey_id}-not"))


def test_candidates_are_those_of_a_plain_loop(scorer: Scorer, survey_id: str, learned: Calibration) -> None:
    rows = plain(scorer, survey_id, learned)
    lists = scorer.candidates(survey_id, top_k=7, fusion=CALIBRATED)
    assert len(lists) == COUNT
    for found in lists:
        rivals = rows[found.detection_id]
        expected = sorted(rivals.values(), reverse=True)[:7]
        assert [c.fused for c in found.candidates] == pytest.approx(expected, abs=1e-6)
        for candidate in found.candidates:
            assert candidate.fused == pytest.approx(rivals[candidate.detection_id], abs=1e-6)
        order = [(-c.fused, c.detection_id) for c in found.candidates]
        assert order == sorted(set(order))


def test_the_matrix_and_single_pairs_hold_the_same_probabilities(
    scorer: Scorer, survey_id: str, learned: Calibration
) -> None:
    rows = plain(scorer, survey_id, learned)
    ids = [d.detection_id for d in known_detections()]
    request = pb.GetScoreMatrixRequest(survey_id=survey_id, fusion=CALIBRATED)
    (block,) = scorer.stub.GetScoreMatrix(request)
    assert block.score_spec.calibration_digest == learned.digest
    matrix = messages.array(block.scores)
    np.testing.assert_array_equal(np.diag(matrix), np.ones(COUNT))
    for row, one in enumerate(ids):
        others = [column for column in range(COUNT) if column != row and ids[column] in rows[one]]
        expected = [rows[one][ids[column]] for column in others]
        np.testing.assert_allclose(matrix[row, others], expected, atol=1e-4)
    # the two leopards in one image
    assert matrix[0, 4] == matrix[4, 0] == 0.0
    for second in (ids[1], ids[4], ids[20]):
        pair = survey_pb2.Pair(first_detection_id=ids[0], second_detection_id=second)
        explained = scorer.stub.ExplainPair(
            pb.ExplainPairRequest(survey_id=survey_id, pair=pair, fusion=CALIBRATED)
        )
        expected_one = rows[ids[0]].get(second, 0.0)
        assert explained.fused == pytest.approx(expected_one, abs=1e-6)
        below = sum(score < explained.fused for score in rows[ids[0]].values())
        assert explained.percentile == pytest.approx(100.0 * below / len(rows[ids[0]]), abs=2.5)
        assert (explained.score_spec.fusion, explained.score_spec.calibration_digest) == (
            CALIBRATED,
            learned.digest,
        )


def test_a_query_that_is_not_stored_is_judged_by_probability(
    scorer: Scorer, survey_id: str, learned: Calibration
) -> None:
    detections, embeddings = known_detections(), known_vectors()
    query = Detection("", "CAM02", START_S + 123_456.0)
    vector = vectors(1, seed=11)
    request = pb.QueryCandidatesRequest(
        survey_id=survey_id,
        detection=messages.detection_message(query),
        embedding=messages.tensor(vector[0]),
        spec=SPEC,
        top_k=5,
        fusion=CALIBRATED,
    )
    answer = scorer.stub.QueryCandidates(request)
    assert answer.score_spec.calibration_digest == learned.digest
    rivals = {
        d.detection_id: by_hand(learned, query, d, vector[0], embeddings[row])
        for row, d in enumerate(detections)
    }
    found = [c.fused for c in answer.list.candidates]
    # the query's vector is not rounded to float16, the stored ones are
    assert found == pytest.approx(sorted(rivals.values(), reverse=True)[:5], abs=2e-3)


def answers(scorer: Scorer, survey_id: str, fusion: survey_pb2.Fusion.ValueType) -> list[Answer]:
    """The responses of all calls that take a fusion."""
    ids = [d.detection_id for d in known_detections()]
    pair = survey_pb2.Pair(first_detection_id=ids[0], second_detection_id=ids[1])
    stub, query = scorer.stub, Detection("", "CAM02", START_S + 123_456.0)
    return [
        stub.GetSurvey(pb.GetSurveyRequest(survey_id=survey_id, fusion=fusion)),
        *stub.GetCandidates(pb.GetCandidatesRequest(survey_id=survey_id, fusion=fusion, top_k=4)),
        stub.QueryCandidates(
            pb.QueryCandidatesRequest(
                survey_id=survey_id,
                detection=messages.detection_message(query),
                embedding=messages.tensor(vectors(1)[0]),
                spec=SPEC,
                top_k=5,
                fusion=fusion,
            )
        ),
        stub.ScorePairs(pb.ScorePairsRequest(survey_id=survey_id, fusion=fusion, pairs=[pair])),
        *stub.GetScoreMatrix(pb.GetScoreMatrixRequest(survey_id=survey_id, fusion=fusion)),
        stub.ExplainPair(pb.ExplainPairRequest(survey_id=survey_id, fusion=fusion, pair=pair)),
    ]


def test_without_a_calibration_every_call_answers_the_product_and_says_why(
    scorer: Scorer, survey_id: str
) -> None:
    plant_known(scorer, survey_id)
    asked = answers(scorer, survey_id, CALIBRATED)
    assert len({type(one) for one in asked}) == 6
    for answer in asked:
        assert "has no calibration" in answer.score_spec.fallback
        answer.score_spec.ClearField("fallback")
    assert asked == answers(scorer, survey_id, survey_pb2.FUSION_PRODUCT)


def test_with_a_calibration_every_call_names_it(scorer: Scorer, survey_id: str, learned: Calibration) -> None:
    calibrated = answers(scorer, survey_id, CALIBRATED)
    for answer in calibrated:
        spec = answer.score_spec
        assert (spec.fusion, spec.calibration_digest, spec.fallback) == (CALIBRATED, learned.digest, "")
    for answer in answers(scorer, survey_id, survey_pb2.FUSION_PRODUCT):
        assert (answer.score_spec.fusion, answer.score_spec.calibration_digest) == (1, "")


def plain(scorer: Scorer, survey_id: str, learned: Calibration) -> dict[str, dict[str, float]]:
    """Detection -> the probability of each of its rivals, by a plain loop."""
    assert survey(scorer, survey_id).calibration_digest == learned.digest
    rows = list(zip(known_detections(), known_vectors(), strict=True))
    return {
        a.detection_id: {
            b.detection_id: by_hand(learned, a, b, one, other)
            for b, other in rows
            if b is not a and not two_animals(a, b)
        }
        for a, one in rows
    }
