from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest

from spotted.client import Spotted
from spotted.client.survey_handle import SurveyHandle
from spotted.errors import AlreadyExistsError, ConcurrencyError, NotFoundError
from spotted.scoring.feasibility import FeasibilityParams
from spotted.scoring.fusion import Fusion
from spotted.survey import Camera, Survey
from tests.spotted.client.surveys import (
    CAMERAS,
    COUNT,
    KNOWN,
    SPEC,
    known_vectors,
    survey,
)


def test_a_survey_is_described_as_stored(handle: SurveyHandle) -> None:
    stored = handle.info()
    assert (stored.display_name, stored.camera_count, stored.detection_count) == ("a name", 3, COUNT)
    assert (stored.start_s, stored.end_s, stored.embedding) == (0.0, 100_000.0, SPEC)
    assert stored.feasibility == FeasibilityParams()


def test_creating_again_with_another_extent_is_refused(spotted: Spotted, survey_id: str) -> None:
    spotted.create_survey(survey(survey_id))
    with pytest.raises(AlreadyExistsError, match="end_time"):
        spotted.create_survey(Survey(survey_id, 0.0, 200_000.0, "a name", CAMERAS))


def test_only_the_fields_that_are_given_change(handle: SurveyHandle) -> None:
    before = handle.info()
    params = FeasibilityParams(decay=2.0, max_speed_kmh=8.0)
    changed = handle.update(feasibility=params, etag=before.etag)
    assert (changed.feasibility, changed.display_name, changed.end_s) == (params, "a name", 100_000.0)
    assert handle.update(display_name="another").feasibility == params
    with pytest.raises(ConcurrencyError):
        handle.update(display_name="late", etag=before.etag)


def test_another_extent_brings_its_cameras(handle: SurveyHandle) -> None:
    changed = handle.update_extent(Survey(handle.survey_id, 0.0, 200_000.0, cameras={"far": Camera("far")}))
    assert (changed.end_s, changed.camera_count) == (200_000.0, 4)
    assert handle.update_extent(Survey(handle.survey_id, 0.0, 300_000.0)).end_s == 300_000.0


def test_a_deleted_survey_is_not_found(handle: SurveyHandle) -> None:
    handle.delete()
    with pytest.raises(NotFoundError):
        handle.info()


@pytest.fixture
def known(spotted: Spotted, survey_id: str) -> SurveyHandle:
    """A survey whose animals are known."""
    known = spotted.create_survey(survey(f"{survey_id}-known"))
    known.add_detections(KNOWN, known_vectors(), SPEC)
    return known


def test_a_calibration_is_learned_left_and_taken_up_again(known: SurveyHandle) -> None:
    before = known.score_spec(Fusion.CALIBRATED)
    assert before.fusion is Fusion.PRODUCT
    assert "has no calibration" in before.fallback
    learned = known.fit_calibration(use_known_individuals=True)
    assert (learned.reason, learned.same_pairs, learned.individuals) == ("", 36, 6)
    digest = learned.survey.calibration_digest
    assert known.score_spec(Fusion.CALIBRATED) == learned.score_spec
    assert (learned.score_spec.calibration_digest, learned.score_spec.fallback) == (digest, "")
    assert known.score_spec().calibration_digest == ""
    ranked = list(known.candidates(fusion=Fusion.CALIBRATED))
    assert known.activate_calibration("").calibration_digest == ""
    fallen_back = list(known.candidates(fusion=Fusion.CALIBRATED))
    assert all("has no calibration" in one.fallback for one in fallen_back)
    assert [replace(one, fallback="") for one in fallen_back] == list(known.candidates()) != ranked
    assert known.activate_calibration(digest).calibration_digest == digest
    assert list(known.candidates(fusion=Fusion.CALIBRATED)) == ranked
    with pytest.raises(NotFoundError, match="calibration '1"):
        known.activate_calibration("1" * 64)


def test_labels_teach_what_known_individuals_do(known: SurveyHandle) -> None:
    labels = [
        (a.detection_id, b.detection_id, a.individual_id == b.individual_id)
        for a, b in combinations(KNOWN, 2)
    ]
    by_labels = known.fit_calibration(iter(labels))
    by_individuals = known.fit_calibration(use_known_individuals=True)
    assert by_labels.survey.calibration_digest == by_individuals.survey.calibration_digest
    few = known.fit_calibration(labels[:10])
    assert "are needed" in few.reason
    assert few.survey == known.info()
    assert few.survey.calibration_digest == by_individuals.survey.calibration_digest
