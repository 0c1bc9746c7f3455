from __future__ import annotations

import pytest

from services.sampler.facts.roster import NotInSessionError
from services.sampler.session.label_checks import require_retractable, stored_labels
from services.sampler.session.state import SessionState
from spotted import messages
from spotted.errors import NotFoundError
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.session_facts_pb2 import SurveyRead

NOW = messages.timestamp(7.5)


def state() -> SessionState:
    made = SessionState()
    read = SurveyRead(added_detection_ids=["a", "b", "c"])
    for event in (pb.SessionEvent(created=pb.Session()), pb.SessionEvent(read=read)):
        made.apply(event.SerializeToString())
    return made


def test_labels_get_ids_by_position_and_the_time_and_the_given_ones_stay() -> None:
    assert NOW is not None
    given = pb.LabelsGiven(labels=[pb.Label(first_detection_id="a", second_detection_id=i) for i in "bc"])
    stored = stored_labels(given, state(), 4, NOW)
    assert [label.label_id for label in stored.labels] == ["5-1", "5-2"]
    assert {messages.seconds(label.create_time) for label in stored.labels} == {7.5}
    assert [label.label_id for label in given.labels] == ["", ""]


def test_a_detection_that_is_not_in_the_session_is_named() -> None:
    assert NOW is not None
    label = pb.LabelsGiven(labels=[pb.Label(first_detection_id="a", second_detection_id="x")])
    burst = pb.LabelsGiven(mixed_bursts=[pb.DetectionSet(detection_ids=["a", "b", "x"])])
    for given in (label, burst):
        with pytest.raises(NotInSessionError, match="no detection 'x'"):
            stored_labels(given, state(), 4, NOW)


def test_only_labels_that_are_there_can_be_retracted() -> None:
    made = state()
    label = pb.Label(label_id="3-1", first_detection_id="a", second_detection_id="b", answer=pb.ANSWER_SAME)
    assert NOW is not None
    label.create_time.CopyFrom(NOW)
    made.apply(pb.SessionEvent(labelled=pb.LabelsGiven(labels=[label])).SerializeToString())
    require_retractable(["3-1"], made)
    with pytest.raises(NotFoundError, match="has no label '3-2'"):
        require_retractable(["3-1", "3-2"], made)
