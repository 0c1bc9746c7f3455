from __future__ import annotations

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from services.scorer import requests
from services.scorer.candidates import CandidateQuery
from spotted import messages
from spotted.errors import InvalidInputError
from spotted.scoring.fusion import Fusion
from spotted.survey import Detection
from spotted.v1 import scorer_pb2 as pb
from spotted.v1 import survey_pb2
from tests.services.scorer.planted import (
    END_S,
    SPEC,
    START_S,
    add_request,
    detections,
    new_survey,
    vectors,
)

BEYOND = Timestamp(seconds=10**15)


def refused_field(request: pb.CreateSurveyRequest) -> str:
    with pytest.raises(InvalidInputError) as refused:
        requests.new_survey(request)
    assert str(refused.value)
    return refused.value.field


def without(field: str) -> survey_pb2.Survey:
    survey = new_survey("kruger")
    survey.ClearField(field)  # type: ignore[arg-type] # the parameter is a field
    return survey


@pytest.mark.parametrize(
    ("survey", "field"),
    [
        (new_survey("two words"), "survey.survey_id"),
        (without("survey_id"), "survey.survey_id"),
        (without("start_time"), "survey.start_time"),
        (without("end_time"), "survey.end_time"),
        (new_survey("kruger", end_time=messages.timestamp(START_S)), "survey.end_time"),
        (new_survey("kruger", end_time=BEYOND), "survey.end_time"),
        (new_survey("kruger", embedding=survey_pb2.EmbeddingSpec(backbone_digest="b")), "spec"),
    ],
)
def test_a_survey_that_cannot_be_is_refused_by_its_field(survey: survey_pb2.Survey, field: str) -> None:
    assert refused_field(pb.CreateSurveyRequest(survey=survey)) == field


@pytest.mark.parametrize("knob", ["decay", "clock_uncertainty_s", "max_speed_kmh"])
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_a_feasibility_knob_that_cannot_be_is_refused(knob: str, value: float) -> None:
    settings = survey_pb2.FeasibilitySettings(**{knob: value})  # type: ignore[arg-type] # numbers
    survey = new_survey("kruger", feasibility=settings)
    assert refused_field(pb.CreateSurveyRequest(survey=survey)) == f"feasibility.{knob}"


def test_output_only_fields_are_not_taken_over() -> None:
    asked = new_survey(
        "kruger", camera_count=7, detection_count=8, revision=9, etag="made up", head_digest="made up"
    )
    survey = requests.new_survey(pb.CreateSurveyRequest(survey=asked))
    assert (survey.camera_count, survey.detection_count, survey.revision) == (0, 0, 0)
    assert (survey.etag, survey.head_digest) == ("", "")


@pytest.mark.parametrize("paths", [[], ["survey_id"], ["display_name", "embedding"], ["revision"]])
def test_a_mask_of_nothing_or_of_fixed_fields_is_refused(paths: list[str]) -> None:
    request = pb.UpdateSurveyRequest(survey=new_survey("kruger"), update_mask=FieldMask(paths=paths))
    with pytest.raises(InvalidInputError, match="update_mask names") as refused:
        requests.changed_survey(request)
    assert refused.value.field == "update_mask"


def test_a_masked_instant_that_is_missing_is_refused() -> None:
    request = pb.UpdateSurveyRequest(survey=without("end_time"), update_mask=FieldMask(paths=["end_time"]))
    with pytest.raises(InvalidInputError, match=r"survey\.end_time is missing"):
        requests.changed_survey(request)


@pytest.mark.parametrize(
    ("camera", "field"),
    [
        (survey_pb2.Camera(), "cameras[0].camera_id"),
        (
            survey_pb2.Camera(camera_id="CAM01", position=survey_pb2.Position(x_m=float("nan"))),
            "cameras[0].position.x_m",
        ),
        (
            survey_pb2.Camera(
                camera_id="CAM01",
                start_time=messages.timestamp(END_S),
                end_time=messages.timestamp(START_S),
            ),
            "cameras[0].end_time",
        ),
        (survey_pb2.Camera(camera_id="CAM01", start_time=BEYOND), "cameras[0].start_time"),
        (
            survey_pb2.Camera(camera_id="CAM01", location_uncertainty_m=-1.0),
            "cameras[0].location_uncertainty_m",
        ),
    ],
)
def test_a_camera_that_cannot_be_is_refused_by_its_field(camera: survey_pb2.Camera, field: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        requests.cameras(pb.UpsertCamerasRequest(survey_id="kruger", cameras=[camera]))
    assert refused.value.field == field


def test_cameras_are_named_once_and_at_least_one() -> None:
    twice = [survey_pb2.Camera(camera_id="CAM01")] * 2
    with pytest.raises(InvalidInputError, match="'CAM01' twice"):
        requests.cameras(pb.UpsertCamerasRequest(survey_id="kruger", cameras=twice))
    with pytest.raises(InvalidInputError, match="cameras is 0"):
        requests.cameras(pb.UpsertCamerasRequest(survey_id="kruger"))


def test_a_block_notes_the_faults_of_its_detections() -> None:
    request = add_request("kruger", detections(3), vectors(3))
    request.detections[1].camera_id = "a\tb"
    block = requests.block(request, "")
    assert list(block.faults) == [request.detections[1].detection_id]
    assert "detections[1].camera_id" in str(next(iter(block.faults.values())))
    assert len(block.detections) == 3


@pytest.mark.parametrize("part", ["backbone_digest", "preprocessing_digest"])
def test_a_block_without_a_digest_is_refused(part: str) -> None:
    request = add_request("kruger", [Detection("a")], vectors(1))
    request.spec.ClearField(part)  # type: ignore[arg-type] # the parameter is a field
    with pytest.raises(InvalidInputError, match="spec must have"):
        requests.block(request, "")


def test_a_fusion_that_is_left_out_is_the_product() -> None:
    assert requests.fusion(survey_pb2.FUSION_UNSPECIFIED) is Fusion.PRODUCT
    assert requests.fusion(survey_pb2.FUSION_LOCATION) is Fusion.LOCATION
    with pytest.raises(InvalidInputError, match="fusion 99 is not known"):
        requests.fusion(99)  # type: ignore[arg-type] # what a later contract may send


def test_a_filter_that_is_left_out_rules_nothing_out() -> None:
    assert requests.candidate_query(pb.GetCandidatesRequest(top_k=3)) == CandidateQuery(3)
    # the year 1970 is an instant, not an absence
    since = pb.CandidateFilter(captured_from=Timestamp())
    assert (
        requests.candidate_query(pb.GetCandidatesRequest(top_k=1, filter=since)).rules.captured_from_s == 0.0
    )


@pytest.mark.parametrize("count", [0, 10_001])
def test_too_few_or_too_many_candidates_are_refused(count: int) -> None:
    with pytest.raises(InvalidInputError, match=f"top_k is {count}; use 1 to 10000"):
        requests.candidate_query(pb.QueryCandidatesRequest(top_k=count))


def test_columns_by_individual_and_of_one_detection_twice_are_refused() -> None:
    plain = pb.GetCandidatesRequest(top_k=3, detection_ids=["a", "b"], as_columns=True)
    assert requests.candidate_query(plain) == CandidateQuery(3)
    grouped = pb.GetCandidatesRequest(top_k=3, group_by_individual=True, as_columns=True)
    with pytest.raises(InvalidInputError, match="cannot be combined with group_by_individual") as refused:
        requests.candidate_query(grouped)
    assert refused.value.field == "as_columns"
    twice = pb.GetCandidatesRequest(top_k=3, detection_ids=["a", "b", "a"])
    assert requests.candidate_query(twice) == CandidateQuery(3)
    twice.as_columns = True
    with pytest.raises(InvalidInputError, match="'a' twice") as refused:
        requests.candidate_query(twice)
    assert refused.value.field == "detection_ids"


def test_labels_of_pairs_are_read_and_a_pair_of_one_detection_is_refused() -> None:
    pair = survey_pb2.Pair(first_detection_id="a", second_detection_id="b")
    request = pb.FitCalibrationRequest(labels=[pb.LabelledPair(pair=pair, same=True)])
    assert requests.known_answers(request).pairs == [("a", "b", True)]
    request.labels[0].pair.second_detection_id = "a"
    with pytest.raises(InvalidInputError, match="names 'a' twice") as refused:
        requests.known_answers(request)
    assert refused.value.field == "labels[0].pair"


def test_ids_are_counted_and_named_once() -> None:
    assert requests.ids(["a", "b"], "detection_ids") == ["a", "b"]
    with pytest.raises(InvalidInputError, match="detection_ids is 10001; use 1 to 10000"):
        requests.ids([str(n) for n in range(10_001)], "detection_ids")


def test_the_spec_of_a_block_travels_with_it() -> None:
    assert requests.block(add_request("kruger", [Detection("a")], vectors(1)), "kruger").spec == SPEC
