from __future__ import annotations

import pytest

from spotted.errors import NotFoundError
from spotted.survey import Detection
from spotted.testing.fake_session import FoldedSession, StoredSession
from spotted.testing.fake_survey import StoredSurvey
from spotted.v1 import sampler_pb2 as pb
from spotted.v1 import survey_pb2


@pytest.fixture
def stored() -> StoredSession:
    survey = StoredSurvey(survey_pb2.Survey(), detections={name: Detection(name) for name in "abc"})
    session = StoredSession(survey)
    session.append(pb.SessionEvent(created=pb.Session(session_id="main")))
    return session


def label(stored: StoredSession, first: str, second: str) -> FoldedSession:
    given = pb.Label(label_id=f"{len(stored.events) + 1}-1", answer=pb.ANSWER_SAME)
    given.first_detection_id, given.second_detection_id = first, second
    return stored.append(pb.SessionEvent(labelled=pb.LabelsGiven(labels=[given])))


def test_a_session_is_brought_up_to_date_and_equal_to_one_replayed(stored: StoredSession) -> None:
    session = label(stored, "a", "b")
    assert stored.folded() is session
    again = StoredSession(stored.survey, list(stored.events)).folded()
    assert again.constraints.components() == session.constraints.components() == [(0, 1), (2,)]
    assert again.register.changed_since(1) == session.register.changed_since(1)


def test_detections_added_later_belong_to_the_session(stored: StoredSession) -> None:
    label(stored, "a", "b")
    stored.survey.detections["d"] = Detection("d")
    session = stored.folded()
    assert (session.constraints.items, session.progress().individuals) == (4, 3)
    assert session.individual(session.item_of["d"]).members == (3,)


def test_ids_that_are_none_are_refused(stored: StoredSession) -> None:
    session = stored.folded()
    assert session.founder("Sita") is None
    for wrong in ("ind-d", "ind2-a", "Sita"):
        with pytest.raises(NotFoundError, match=f"no individual '{wrong}'"):
            session.find(wrong)
    with pytest.raises(NotFoundError, match="no detection 'd'"):
        session.items(["a", "d"])
