from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from services.common.store.store import Store
from spotted.client import EmbeddingSpec, SurveyHandle
from spotted.errors import AlreadyExistsError, DigestMismatchError, InvalidInputError, NotFoundError
from spotted.scoring.fusion import Fusion
from spotted.survey import Camera, Detection, Survey
from spotted.testing import fake_services
from spotted.testing.fake_scorer import FakeScorer
from tests.spotted.client.surveys import COUNT, DETECTIONS, SPEC, serving, survey, vectors

IDS = [d.detection_id for d in DETECTIONS]


@pytest.fixture
def fake(survey_id: str) -> Iterator[SurveyHandle]:
    with fake_services() as spotted:
        handle = spotted.create_survey(survey(survey_id))
        handle.add_detections([*DETECTIONS, Detection("nowhere")], with_nowhere(), SPEC)
        yield handle


@pytest.fixture
def real(store: Store, survey_id: str) -> Iterator[SurveyHandle]:
    with serving(store) as spotted:
        handle = spotted.create_survey(survey(survey_id))
        handle.add_detections([*DETECTIONS, Detection("nowhere")], with_nowhere(), SPEC)
        yield handle


def with_nowhere() -> np.ndarray:
    return np.concatenate([vectors(), vectors()[:1]])


@pytest.mark.parametrize("fusion", [Fusion.PRODUCT, Fusion.VISUAL, Fusion.LOCATION])
def test_the_fake_scores_as_the_scorer_does(fake: SurveyHandle, real: SurveyHandle, fusion: Fusion) -> None:
    candidates = [
        [
            (one.detection_id, one.candidates, one.compared)
            for one in handle.candidates(top_k=4, fusion=fusion)
        ]
        for handle in (fake, real)
    ]
    assert candidates[0] == candidates[1]
    pairs = [(a, b) for a in IDS for b in (*IDS, "nowhere") if a < b]
    np.testing.assert_array_equal(fake.score_pairs(pairs, fusion), real.score_pairs(pairs, fusion))
    for half in (False, True):
        ours, theirs = (one.score_matrix(rows=IDS[3:5], fusion=fusion, half=half) for one in (fake, real))
        np.testing.assert_allclose(ours, theirs, atol=1e-3 if half else 1e-6)


def test_the_fake_explains_as_the_scorer_does(fake: SurveyHandle, real: SurveyHandle) -> None:
    for second in ("d01", "nowhere"):
        explained, expected = (handle.explain_pair("d00", second) for handle in (fake, real))
        for field in ("visual", "feasibility", "fused", "distance_m", "gap_s", "needed_speed_kmh", "reason"):
            assert getattr(explained, field) == getattr(expected, field), field


def test_the_fake_holds_what_the_scorer_holds(fake: SurveyHandle, real: SurveyHandle) -> None:
    for read in (SurveyHandle.cameras, SurveyHandle.detections):
        assert list(read(fake)) == list(read(real))
    for (ours, theirs), part in zip(
        zip(fake.detections_with_embeddings(), real.detections_with_embeddings(), strict=True),
        ("detections", "vectors"),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs, part)
    ours_, theirs_ = fake.info(), real.info()
    assert (ours_.camera_count, ours_.detection_count) == (theirs_.camera_count, theirs_.detection_count)
    assert (ours_.embedding, ours_.end_s) == (theirs_.embedding, theirs_.end_s)


def test_changes_are_counted_as_the_scorer_counts_them(fake: SurveyHandle, real: SurveyHandle) -> None:
    for handle in (fake, real):
        again = handle.add_detections(DETECTIONS, vectors(), SPEC)
        assert (again.added, again.unchanged) == (0, COUNT)
        other = [Detection("d00", "c2"), Detection("new", "nosuch")]
        rejected = handle.add_detections(other, vectors()[:2], SPEC).rejected
        assert [one.reason for one in rejected] == ["ALREADY_EXISTS", "NOT_FOUND"]
        deleted = handle.delete_detections(["d00", "d01", "nosuch"])
        assert (deleted.deleted, deleted.missing) == (2, 1)
        assert handle.upsert_cameras([Camera("new")]).camera_count == 4
        with pytest.raises(DigestMismatchError):
            handle.add_detections([Detection("new")], vectors()[:1], EmbeddingSpec("other", "p", 8))
        with pytest.raises(NotFoundError):
            list(handle.candidates(detection_ids=["nosuch"]))


def test_surveys_are_created_once_listed_and_deleted() -> None:
    with fake_services() as spotted:
        empty = spotted.create_survey(Survey("a", 0.0, 1.0))
        with pytest.raises(AlreadyExistsError, match="end_time"):
            spotted.create_survey(Survey("a", 0.0, 2.0))
        assert list(empty.candidates()) == []
        assert empty.score_matrix().shape == (0, 0)
        assert [one.survey_id for one in spotted.surveys()] == ["a"]
        empty.delete()
        with pytest.raises(NotFoundError):
            empty.info()


def test_the_fake_has_no_calibration(fake: SurveyHandle) -> None:
    with pytest.raises(InvalidInputError, match="no calibration"):
        list(fake.candidates(fusion=Fusion.CALIBRATED))


def test_the_fake_names_what_it_answers() -> None:
    assert {"CreateSurvey", "GetCandidates", "GetScoreMatrix"} <= FakeScorer().replies().keys()
