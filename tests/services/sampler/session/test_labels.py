from __future__ import annotations

from services.common.store.store import Store
from services.sampler.session.labels import answered_pairs
from spotted.v1 import sampler_pb2 as pb
from tests.samples import sample
from tests.services.sampler.surveys import Sampler, ToyScorer, planted


def counted(kind: str) -> float:
    return sample("spotted_labels_total", kind=kind)


def conflicts() -> float:
    return sample("spotted_label_conflicts_total")


def test_an_answer_is_counted_once_however_often_its_request_comes(store: Store, survey_id: str) -> None:
    made = Sampler(store, ToyScorer(planted(2, 2)))
    made.create(survey_id)
    made.ask(survey_id)
    before = counted("same"), counted("different"), conflicts()
    for _ in range(3):
        made.answer(survey_id, ("d00", "d01"), pb.ANSWER_SAME, request_id="one")
    # by another process, which has not seen the first
    again = Sampler(store, ToyScorer(planted(2, 2)))
    again.answer(survey_id, ("d00", "d01"), pb.ANSWER_SAME, request_id="one")
    # and when it could no longer be decided
    again.answer(survey_id, ("d00", "nosuch"), pb.ANSWER_SAME, request_id="one")
    assert (counted("same"), counted("different"), conflicts()) == (before[0] + 1, *before[1:])
    again.answer(survey_id, ("d00", "d01"), pb.ANSWER_DIFFERENT, "another", request_id="two")
    assert (counted("different"), conflicts()) == (before[1] + 1, before[2] + 1)


def test_a_mixed_burst_answers_its_first_frame_with_each_other() -> None:
    given = pb.LabelsGiven(
        labels=[pb.Label(first_detection_id="b", second_detection_id="a")],
        mixed_bursts=[pb.DetectionSet(detection_ids=["c", "a", "d"])],
    )
    assert answered_pairs(given) == [("a", "b"), ("a", "c"), ("c", "d")]
