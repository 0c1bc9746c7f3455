from __future__ import annotations

import pytest

from services.sampler.session.notices import notice_before, progress_and_notice
from services.sampler.session.progress import quick_progress
from services.sampler.session.state import SessionState
from spotted import messages
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.session_facts_pb2 import SurveyRead


def state(*annotators: str, trust: pb.Trust.ValueType = pb.TRUST_SINGLE) -> SessionState:
    made = SessionState()
    created = pb.SessionEvent(created=pb.Session(trust=trust))
    read = pb.SessionEvent(read=SurveyRead(added_detection_ids=["a", "b"]))
    for event in (created, read, given(*annotators)):
        made.apply(event.SerializeToString())
    return made


def given(*annotators: str) -> pb.SessionEvent:
    return pb.SessionEvent(labelled=labels(*annotators))


def labels(*annotators: str) -> pb.LabelsGiven:
    return pb.LabelsGiven(
        labels=[
            pb.Label(
                label_id=f"{n}-{who}",
                first_detection_id="a",
                second_detection_id="b",
                answer=pb.ANSWER_SAME,
                annotator_id=who,
                create_time=messages.timestamp(float(n)),
            )
            for n, who in enumerate(annotators)
        ]
    )


def test_an_annotator_hears_before_the_first_answer_that_others_answered() -> None:
    assert notice_before(state(), "ben") == ""
    assert notice_before(state("anna"), "anna") == ""
    notice = notice_before(state("anna", "anna"), "ben")
    assert notice.startswith("Answers of anna are in this session. Its trust is single: yours decide at once")
    assert "every decision that stands is kept" in notice


def test_verified_trust_is_described_as_such() -> None:
    assert "weighed together with theirs" in notice_before(state("anna", trust=pb.TRUST_VERIFIED), "ben")


def test_many_annotators_are_counted() -> None:
    notice = notice_before(state("anna", "ben", "carl", "dora", "eve"), "zoe")
    assert notice.startswith("Answers of anna, ben, carl and 2 more are in")


@pytest.mark.parametrize(("before", "now", "heard"), [("", "a", False), ("a", "b", True), ("ab", "b", False)])
def test_the_first_answers_of_an_annotator_bring_the_notice(before: str, now: str, *, heard: bool) -> None:
    after = state(*before, *now)
    progress, notice = progress_and_notice(labels(*now))(after, 3)
    assert bool(notice) is heard
    assert progress == quick_progress(after, 3)
