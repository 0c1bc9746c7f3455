from __future__ import annotations

import pytest

from services.scorer.camera_deletion import delete_cameras
from services.scorer.surveys import Surveys
from spotted.errors import InvalidInputError, NotFoundError, PreconditionError
from spotted.survey import Camera
from spotted.v1 import corrections_pb2 as pb
from spotted.v1 import scorer_pb2
from tests.services.scorer.planted import CAMERAS, START_S, Scorer, ask, detections, vectors


def delete(scorer: Scorer, survey_id: str, *camera_ids: str) -> pb.DeleteCamerasResponse:
    return ask(scorer.stub.DeleteCameras, pb.DeleteCamerasRequest(survey_id=survey_id, camera_ids=camera_ids))


def test_a_deleted_camera_is_gone_and_the_extent_with_it(scorer: Scorer, survey_id: str) -> None:
    scorer.create(survey_id)
    added = [d for d in detections(30) if d.camera_id in {"CAM01", "CAM02"}]
    scorer.add(survey_id, added, vectors(30)[: len(added)])
    right = scorer.candidates(survey_id)
    scorer.upsert(survey_id, Camera("FAR", 90_000.0, 0.0, START_S))
    assert scorer.candidates(survey_id) != right
    answer = delete(scorer, survey_id, "FAR", "nosuch")
    assert (answer.deleted, answer.missing, answer.survey.camera_count) == (1, 1, len(CAMERAS))
    assert scorer.candidates(survey_id) == right
    assert scorer.stub.GetSurvey(scorer_pb2.GetSurveyRequest(survey_id=survey_id)).survey == answer.survey
    listed = scorer.stub.ListCameras(scorer_pb2.ListCamerasRequest(survey_id=survey_id)).cameras
    assert [one.camera_id for one in listed] == [one.camera_id for one in CAMERAS]


def test_a_camera_that_detections_name_stays(scorer: Scorer, survey_id: str) -> None:
    added, _ = scorer.plant(survey_id, 20)
    named = next(d for d in added if d.camera_id)
    with pytest.raises(PreconditionError, match=r"such as detection .* delete or correct the detections"):
        delete(scorer, survey_id, named.camera_id)


def test_a_repeat_returns_the_first_answer(scorer: Scorer, surveys: Surveys, survey_id: str) -> None:
    scorer.create(survey_id)
    first = delete_cameras(surveys, survey_id, ["CAM04"], "one")
    assert delete_cameras(surveys, survey_id, ["CAM04"], "one") == first
    assert delete_cameras(surveys, survey_id, ["CAM04"], "two").missing == 1


def test_ids_must_be_named_once_and_the_survey_exist(scorer: Scorer, survey_id: str) -> None:
    scorer.create(survey_id)
    with pytest.raises(InvalidInputError, match="twice"):
        delete(scorer, survey_id, "CAM01", "CAM01")
    with pytest.raises(NotFoundError):
        delete(scorer, f"{survey_id}-another", "CAM01")


def test_the_plane_of_the_others_is_that_of_a_survey_without_the_camera(
    scorer: Scorer, survey_id: str
) -> None:
    near = [Camera(f"C{n}", latitude_deg=-24.0 - n / 50, longitude_deg=31.5 + n / 40) for n in range(3)]
    other = scorer.create(f"{survey_id}-other", near)
    scorer.create(survey_id, [*near, Camera("X", latitude_deg=-24.9, longitude_deg=32.0)])
    answer = delete(scorer, survey_id, "X")
    assert answer.survey.coordinate_system == other.coordinate_system
    assert scorer.stub.GetSurvey(scorer_pb2.GetSurveyRequest(survey_id=survey_id)).survey == answer.survey
