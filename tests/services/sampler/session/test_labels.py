from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from services.common.store.store import Store
from services.sampler.session.labels import check_label
from spotted.errors import InvalidInputError
from spotted.v1 import sampler_pb2 as pb
from tests.services.sampler.surveys import Sampler, ToyScorer, planted


def label(**changed: object) -> pb.Label:
    made = pb.Label(
        first_detection_id="a", second_detection_id="b", answer=pb.ANSWER_SKIP, annotator_id="anna"
    )
    for field, value in changed.items():
        setattr(made, field, value)
    return made


def test_every_answer_to_two_detections_is_one() -> None:
    for answer in pb.Answer.values():
        if answer != pb.ANSWER_UNSPECIFIED:
            check_label(label(answer=answer), "labels[0]")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"annotator_id": ""}, "annotator_id"),
        ({"annotator_id": "a b"}, "annotator_id"),
        ({"second_detection_id": "a"}, "second_detection_id"),
        ({"answer": 0}, "answer"),
        ({"answer": 9}, "answer"),
    ],
)
def test_an_invalid_answer_is_named(changed: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        check_label(label(**changed), "labels[3]")
    assert caught.value.field == f"labels[3].{field}"


def counted(kind: str) -> float:
    return REGISTRY.get_sample_value("spotted_labels_total", {"kind": kind}) or 0.0


def conflicts() -> float:
    return REGISTRY.get_sample_value("spotted_label_conflicts_total") or 0.0


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
