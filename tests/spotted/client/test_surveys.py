from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from spotted.client import Spotted
from spotted.errors import AlreadyExistsError, NotFoundError
from spotted.scoring.similarity import product_error
from spotted.survey import Survey
from spotted.v1 import scorer_pb2, survey_pb2
from tests.spotted.client.surveys import (
    CAMERAS,
    COUNT,
    DETECTIONS,
    KNOWN,
    SPEC,
    known_vectors,
    survey,
    vectors,
)


def test_what_was_stored_comes_back_as_library_values(spotted: Spotted, survey_id: str) -> None:
    assert {c.camera_id: c for c in spotted.cameras(survey_id)} == CAMERAS
    assert list(spotted.detections(survey_id)) == DETECTIONS
    detections, embeddings = spotted.detections_with_embeddings(survey_id)
    assert detections == DETECTIONS
    unit = vectors() / np.linalg.norm(vectors(), axis=1, keepdims=True)
    np.testing.assert_allclose(embeddings, unit, atol=1e-3)
    stored = spotted.survey(survey_id)
    assert (stored.display_name, stored.camera_count, stored.detection_count) == ("a name", 3, COUNT)


def test_adding_again_stores_nothing_twice(spotted: Spotted, survey_id: str) -> None:
    again = spotted.add_detections(survey_id, DETECTIONS, vectors(), SPEC)
    assert (again.added, again.unchanged, len(again.rejected)) == (0, COUNT, 0)


def test_candidates_are_those_of_the_detections_named(spotted: Spotted, survey_id: str) -> None:
    lists = list(spotted.candidates(survey_id, detection_ids=["d03", "d01"], top_k=2))
    assert [one.detection_id for one in lists] == ["d03", "d01"]
    assert all(len(one.candidates) == 2 and one.compared == COUNT - 1 for one in lists)
    everyone = list(spotted.candidates(survey_id, top_k=1, fusion=survey_pb2.FUSION_VISUAL))
    assert [one.detection_id for one in everyone] == [d.detection_id for d in DETECTIONS]
    only = scorer_pb2.CandidateFilter(camera_ids=["c1"])
    (one,) = spotted.candidates(survey_id, detection_ids=["d00"], top_k=20, only=only)
    assert {c.detection_id for c in one.candidates} == {"d01", "d04", "d07", "d10"}


def test_the_matrix_agrees_with_the_pairs(spotted: Spotted, survey_id: str) -> None:
    matrix = spotted.score_matrix(survey_id)
    pairs = [(i, j) for i in range(COUNT) for j in range(i)]
    names = [(DETECTIONS[i].detection_id, DETECTIONS[j].detection_id) for i, j in pairs]
    scores = spotted.score_pairs(survey_id, names)
    rows, columns = (np.array(side) for side in zip(*pairs, strict=True))
    np.testing.assert_allclose(matrix[rows, columns], scores[:, 2], atol=product_error(3000))
    np.testing.assert_allclose(scores[:, 2], scores[:, 0] * scores[:, 1], atol=1e-6)


def test_a_survey_without_detections_has_empty_arrays(spotted: Spotted, survey_id: str) -> None:
    empty = f"{survey_id}-empty"
    spotted.create_survey(Survey(empty, 0.0, 1.0))
    assert spotted.score_matrix(empty).shape == (0, 0)
    assert spotted.detections_with_embeddings(empty)[0] == []
    assert list(spotted.candidates(empty)) == []


def test_surveys_are_listed_and_deleted(spotted: Spotted, survey_id: str) -> None:
    assert survey_id in {s.survey_id for s in spotted.surveys()}
    spotted.delete_survey(survey_id)
    assert survey_id not in {s.survey_id for s in spotted.surveys()}
    with pytest.raises(NotFoundError):
        spotted.survey(survey_id)


def test_creating_again_with_another_extent_is_refused(spotted: Spotted, survey_id: str) -> None:
    with pytest.raises(AlreadyExistsError, match="end_time"):
        spotted.create_survey(Survey(survey_id, 0.0, 200_000.0, "a name", CAMERAS))


@pytest.fixture
def known(spotted: Spotted, survey_id: str) -> str:
    """The id of a survey whose animals are known."""
    known_id = f"{survey_id}-known"
    spotted.create_survey(survey(known_id))
    spotted.add_detections(known_id, KNOWN, known_vectors(), SPEC)
    return known_id


def test_a_calibration_is_learned_left_and_taken_up_again(spotted: Spotted, known: str) -> None:
    calibrated = survey_pb2.FUSION_CALIBRATED
    before = spotted.score_spec(known, calibrated)
    assert before.fusion == survey_pb2.FUSION_PRODUCT
    assert "has no calibration" in before.fallback
    learned = spotted.fit_calibration(known, use_known_individuals=True)
    assert (learned.reason, learned.same_pairs, learned.individuals) == ("", 36, 6)
    digest = learned.survey.calibration_digest
    assert spotted.score_spec(known, calibrated) == learned.score_spec
    assert (learned.score_spec.calibration_digest, learned.score_spec.fallback) == (digest, "")
    assert spotted.score_spec(known).calibration_digest == ""
    ranked = list(spotted.candidates(known, fusion=calibrated))
    assert spotted.activate_calibration(known, "").calibration_digest == ""
    assert list(spotted.candidates(known, fusion=calibrated)) == list(spotted.candidates(known)) != ranked
    assert spotted.activate_calibration(known, digest).calibration_digest == digest
    assert list(spotted.candidates(known, fusion=calibrated)) == ranked
    with pytest.raises(NotFoundError, match="calibration '1"):
        spotted.activate_calibration(known, "1" * 64)


def test_labels_teach_what_known_individuals_do(spotted: Spotted, known: str) -> None:
    labels = [
        (a.detection_id, b.detection_id, a.individual_id == b.individual_id)
        for a, b in combinations(KNOWN, 2)
    ]
    by_labels = spotted.fit_calibration(known, iter(labels))
    by_individuals = spotted.fit_calibration(known, use_known_individuals=True)
    assert by_labels.survey.calibration_digest == by_individuals.survey.calibration_digest
    few = spotted.fit_calibration(known, labels[:10])
    assert "are needed" in few.reason
    assert few.survey == spotted.survey(known)
    assert few.survey.calibration_digest == by_individuals.survey.calibration_digest
