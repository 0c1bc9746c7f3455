from __future__ import annotations

from dataclasses import replace

from spotted.client.session_messages import (
    label_message,
    label_value,
    progress_value,
    questions,
    session_event,
    session_info,
)
from spotted.client.values import Confidence, Label, QuestionKind
from spotted.constraints.answers import Answer
from spotted.constraints.trust import Trust
from spotted.messages import timestamp
from spotted.v1 import sampler_pb2 as pb


def test_a_label_travels_without_the_id_and_time_that_the_sampler_chooses() -> None:
    given = Label("a", "b", Answer.DIFFERENT, "anna", note="torn ear", confidence=Confidence.GUESS)
    label = replace(given, label_id="l", created_at_s=5.0)
    message = label_message(label)
    assert (message.label_id, message.HasField("create_time")) == ("", False)
    assert label_value(message) == given
    asked = Label("a", "b", Answer.SAME, "anna", versions=(0, 2))
    assert label_value(label_message(asked)) == asked


def test_what_a_message_leaves_out_is_none() -> None:
    progress = progress_value(pb.Progress())
    assert (progress.open_pairs, progress.kappa, progress.audit, progress.trust) == (None, None, None, None)
    session = session_info(pb.Session())
    assert (session.eps, session.trust, session.created_at_s) == (None, None, None)
    assert session_event(pb.SessionEvent()).kind is None


def test_a_zero_that_is_set_stays_zero() -> None:
    message = pb.Progress(open_pairs=0, kappa=0.0, trust=pb.TRUST_VERIFIED)
    message.annotators.add(annotator_id="anna", false_same_rate=0.0)
    progress = progress_value(message)
    assert (progress.open_pairs, progress.kappa, progress.trust) == (0, 0.0, Trust.VERIFIED)
    (anna,) = progress.annotators
    assert (anna.false_same_rate, anna.false_different_rate) == (0.0, None)


def test_a_burst_has_no_anchor_and_a_gallery_has_one() -> None:
    message = pb.NextPairsResponse(finished=True)
    message.groups.add(kind=pb.QUESTION_KIND_BURST, versions=[1, 2])
    gallery = message.groups.add(
        kind=pb.QUESTION_KIND_GALLERY,
        scores=[0.5],
        lease_expire_time=timestamp(7.0),
        anchor_version=3,
        versions=[0],
    )
    gallery.anchor.detection_id = "a"
    first, second = questions(message).groups
    assert (first.kind, first.anchor, first.lease_expires_at_s) == (QuestionKind.BURST, None, None)
    assert (first.versions, second.versions) == ((1, 2), (3, 0))
    assert second.anchor is not None
    assert (second.anchor.detection_id, second.scores, second.lease_expires_at_s) == ("a", (0.5,), 7.0)
