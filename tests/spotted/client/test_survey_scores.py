from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from spotted.client import CandidateFilter, Spotted, SurveyHandle
from spotted.client.survey_scores import SurveyScores
from spotted.client.values import CandidateRule
from spotted.errors import DigestMismatchError, InvalidInputError, NotFoundError
from spotted.scoring.fusion import Fusion
from spotted.survey import Detection, Survey
from tests.spotted.client.surveys import CAMERAS, COUNT, DETECTIONS, SPEC, vectors


def test_candidates_are_those_of_the_detections_named(handle: SurveyHandle) -> None:
    lists = list(handle.candidates(detection_ids=["d03", "d01"], top_k=2))
    assert [one.detection_id for one in lists] == ["d03", "d01"]
    assert all(len(one.candidates) == 2 and one.compared == COUNT - 1 for one in lists)
    everyone = list(handle.candidates(top_k=1, fusion=Fusion.VISUAL))
    assert [one.detection_id for one in everyone] == [d.detection_id for d in DETECTIONS]


def test_a_filter_leaves_out_and_counts(handle: SurveyHandle) -> None:
    only = CandidateFilter(camera_ids=("c1",), captured_before_s=40_000.0)
    (one,) = handle.candidates(detection_ids=["d00"], only=only)
    assert {c.detection_id for c in one.candidates} == {"d01", "d04", "d07"}
    assert one.excluded == {CandidateRule.CAMERA: 7, CandidateRule.TIME: 4}


def test_each_known_individual_comes_once_if_grouped(handle: SurveyHandle) -> None:
    (one,) = handle.candidates(detection_ids=["d00"], group_by_individual=True)
    assert sorted(c.individual_id for c in one.candidates) == ["a0", "a1", "a2", "a3"]


def test_a_detection_that_is_not_stored_has_the_candidates_of_its_copy(handle: SurveyHandle) -> None:
    (stored,) = handle.candidates(detection_ids=["d03"], top_k=COUNT)
    visiting = replace(DETECTIONS[3], detection_id="", image_id="")
    visited = handle.query_candidates(visiting, vectors()[3], SPEC, top_k=COUNT)
    assert visited.candidates[0].detection_id == "d03"
    scores = {c.detection_id: c.fused for c in visited.candidates}
    assert {c.detection_id: pytest.approx(c.fused, abs=1e-3) for c in stored.candidates} == {
        i: score for i, score in scores.items() if i != "d03"
    }
    with pytest.raises(DigestMismatchError):
        handle.query_candidates(visiting, vectors()[3], replace(SPEC, backbone_digest="other"))


def test_the_matrix_agrees_with_the_pairs(handle: SurveyHandle) -> None:
    matrix = handle.score_matrix()
    pairs = [(i, j) for i in range(COUNT) for j in range(i)]
    names = [(DETECTIONS[i].detection_id, DETECTIONS[j].detection_id) for i, j in pairs]
    scores = handle.score_pairs(names)
    rows, columns = (np.array(side) for side in zip(*pairs, strict=True))
    np.testing.assert_allclose(matrix[rows, columns], scores[:, 2], atol=1e-6)
    np.testing.assert_allclose(scores[:, 2], scores[:, 0] * scores[:, 1], atol=1e-6)
    np.testing.assert_array_equal(handle.score_pairs(names, Fusion.VISUAL)[:, 2], scores[:, 0])


def test_a_pair_is_explained_by_its_journey_and_scores(handle: SurveyHandle) -> None:
    explained = handle.explain_pair("d00", "d01")
    (visual, feasibility, fused), *_ = handle.score_pairs([("d00", "d01")])
    assert (explained.visual, explained.feasibility, explained.fused) == (visual, feasibility, fused)
    assert (explained.distance_m, explained.gap_s) == (1000.0, 5000.0)
    assert explained.needed_speed_kmh == pytest.approx(0.72)
    assert explained.score_spec == handle.score_spec()
    with pytest.raises(NotFoundError, match="'nosuch'"):
        handle.explain_pair("d00", "nosuch")


def test_what_is_unknown_is_none(handle: SurveyHandle) -> None:
    handle.add_detections([Detection("nowhere")], vectors()[:1], SPEC)
    explained = handle.explain_pair("nowhere", "d01")
    assert (explained.feasibility, explained.distance_m, explained.gap_s) == (None, None, None)
    assert math.isnan(handle.score_pairs([("nowhere", "d01")])[0, 1])
    (one,) = handle.candidates(detection_ids=["nowhere"], top_k=1)
    assert one.candidates[0].feasibility is None


def test_a_survey_without_detections_has_empty_arrays(spotted: Spotted, survey_id: str) -> None:
    empty = spotted.create_survey(Survey(f"{survey_id}-empty", 0.0, 1.0, cameras=CAMERAS))
    assert isinstance(empty, SurveyScores)
    assert empty.score_matrix().shape == (0, 0)
    assert empty.detections_with_embeddings()[0] == []
    assert list(empty.candidates()) == []


def test_no_candidate_may_be_asked_for(handle: SurveyHandle) -> None:
    with pytest.raises(InvalidInputError) as raised:
        list(handle.candidates(top_k=0))
    assert raised.value.field == "top_k"
