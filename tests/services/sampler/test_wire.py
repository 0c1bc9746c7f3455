from __future__ import annotations

import pytest
from google.protobuf.duration_pb2 import Duration

from services.sampler import wire
from services.sampler.asking import Asked, Question
from services.sampler.leases import Lease
from services.sampler.scoring import CandidateColumns, SurveyScores
from spotted.errors import InvalidInputError
from spotted.sampling.rounds import PairQuery
from spotted.survey import Camera, Detection
from spotted.v1 import sampler_pb2 as pb


def label(**changed: object) -> pb.Label:
    fields = {
        "first_detection_id": "d1",
        "second_detection_id": "d2",
        "answer": pb.ANSWER_SAME,
        "annotator_id": "a",
    }
    return pb.Label(**{**fields, **changed})  # type: ignore[arg-type] # wrong values on purpose


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"annotator_id": ""}, "labels[1].annotator_id"),
        ({"second_detection_id": "d1"}, "labels[1].second_detection_id"),
        ({"answer": 0}, "labels[1].answer"),
        ({"answer": 77}, "labels[1].answer"),
    ],
)
def test_a_wrong_label_is_named_by_its_place(changed: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        wire.labels(pb.SubmitLabelsRequest(labels=[label(), label(**changed)]))
    assert caught.value.field == field


@pytest.mark.parametrize("count", [0, 1001])
def test_no_label_or_too_many_are_refused(count: int) -> None:
    with pytest.raises(InvalidInputError, match="use 1 to 1000"):
        wire.labels(pb.SubmitLabelsRequest(labels=[label()] * count))


def test_a_lease_lasts_ten_minutes_unless_it_is_said_and_a_day_at_most() -> None:
    assert wire.lease_s(pb.NextPairsRequest()) == 600.0
    assert wire.lease_s(pb.NextPairsRequest(lease_duration=Duration(seconds=5))) == 5.0
    with pytest.raises(InvalidInputError, match="lease_duration"):
        wire.lease_s(pb.NextPairsRequest(lease_duration=Duration(seconds=90_000)))


def test_one_question_is_asked_unless_it_is_said_and_a_hundred_at_most() -> None:
    assert [wire.question_count(pb.NextPairsRequest(count=n)) for n in (0, 7, 500)] == [1, 7, 100]


def test_a_session_keeps_what_the_caller_may_set_and_nothing_else() -> None:
    asked = pb.Session(session_id="s", survey_id="v", seed=4, position=99)
    made = wire.new_session(pb.CreateSessionRequest(session=asked))
    assert (made.session_id, made.survey_id, made.seed, made.position) == ("s", "v", 4, 0)
    for wrong in (pb.Session(survey_id="v"), pb.Session(session_id="a/b", survey_id="v")):
        with pytest.raises(InvalidInputError):
            wire.new_session(pb.CreateSessionRequest(session=wrong))


@pytest.mark.parametrize("ids", [[], ["1-1", "1-1"]])
def test_labels_to_retract_are_named_once_each(ids: list[str]) -> None:
    with pytest.raises(InvalidInputError):
        wire.retracted(pb.RetractLabelsRequest(label_ids=ids, annotator_id="a"))


def question(second: Detection) -> Question:
    cameras = {"c": Camera("c", 0.0, 0.0), "d": Camera("d", 3000.0, 4000.0), "lost": Camera("lost")}
    first = Detection("d1", "c", 0.0)
    detections = {d.detection_id: d for d in (first, second)}
    scores = SurveyScores(1, 1, detections, cameras, CandidateColumns.joined([]), None)
    return Question(("d1", "d2"), PairQuery(0, 1, "why", 0.5), Lease(("d1", "d2"), "a", 50.0), scores)


def test_a_question_tells_the_distance_the_gap_and_the_speed() -> None:
    asked = Asked((question(Detection("d2", "d", 1800.0)),), finished=False)
    (pair,) = wire.next_pairs_response(asked).pairs
    assert (pair.distance_m, pair.gap_s, pair.needed_speed_kmh) == (5000.0, 1800.0, 10.0)
    assert (pair.first.detection_id, pair.second.detection_id, pair.reason) == ("d1", "d2", "why")
    assert pair.lease_expire_time.seconds == 50


@pytest.mark.parametrize("second", [Detection("d2", "lost", 5.0), Detection("d2", "d")])
def test_what_is_unknown_is_unset(second: Detection) -> None:
    (pair,) = wire.next_pairs_response(Asked((question(second),), finished=False)).pairs
    assert not pair.HasField("needed_speed_kmh")
    assert pair.HasField("distance_m") == (second.camera_id == "d")
    assert pair.HasField("gap_s") == (second.captured_at_s is not None)
