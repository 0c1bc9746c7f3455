from __future__ import annotations

from spotted.client.live_labels import labels_that_count
from spotted.client.session_messages import session_event
from spotted.client.values import SessionEvent
from spotted.v1 import sampler_pb2 as pb


def planned(**versions: int) -> SessionEvent:
    round_ = pb.PlannedRound(added_detection_ids=versions)
    for detection_id, version in versions.items():
        if version:
            round_.added_versions.add(detection_id=detection_id, stored=True, version=version)
    return session_event(pb.SessionEvent(planned=round_))


def labelled(*pairs: str) -> SessionEvent:
    labels = [
        pb.Label(
            label_id=pair, first_detection_id=pair[0], second_detection_id=pair[1], answer=pb.ANSWER_SAME
        )
        for pair in pairs
    ]
    return session_event(pb.SessionEvent(labelled=pb.LabelsGiven(labels=labels)))


def left(*ids: str) -> SessionEvent:
    return session_event(pb.SessionEvent(left=pb.DetectionsLeft(detection_ids=ids)))


def retracted(*ids: str) -> SessionEvent:
    return session_event(pb.SessionEvent(retracted=pb.LabelsRetracted(label_ids=ids)))


def live(*events: SessionEvent) -> list[str]:
    return [one.first_detection_id + one.second_detection_id for one in labels_that_count(events)]


def test_labels_count_until_they_are_retracted() -> None:
    assert live(planned(a=0, b=0, c=0), labelled("ab", "bc"), retracted("ab")) == ["bc"]


def test_labels_leave_and_return_with_the_image_they_were_given_for() -> None:
    history = [planned(a=0, b=0, c=0), labelled("ab", "bc"), left("a")]
    assert live(*history) == ["bc"]
    assert live(*history, planned(a=1)) == ["bc"]
    assert live(*history, planned(a=1), labelled("ac")) == ["bc", "ac"]
    assert live(*history, planned(a=1), labelled("ac"), left("a"), planned(a=0)) == ["ab", "bc"]
