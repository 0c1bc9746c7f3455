from __future__ import annotations

import pytest

from spotted.client import Spotted
from spotted.errors import NotFoundError
from spotted.v1 import sampler_pb2 as pb
from tests.spotted.client.surveys import COUNT


def test_a_session_is_opened_once_and_asked(spotted: Spotted, survey_id: str) -> None:
    first = spotted.create_session(survey_id, "main", strategy="greedy", seed=3)
    assert spotted.create_session(survey_id, "main", strategy="greedy", seed=3) == first
    asked = spotted.next_pairs(survey_id, "main", "anna", count=3)
    assert len(asked.pairs) == 3
    labels = [
        pb.Label(
            first_detection_id=p.first.detection_id,
            second_detection_id=p.second.detection_id,
            answer=pb.ANSWER_DIFFERENT,
            annotator_id="anna",
        )
        for p in asked.pairs
    ]
    submitted = spotted.submit_labels(survey_id, "main", labels)
    assert [o.effect for o in submitted.outcomes] == [pb.LABEL_EFFECT_SEPARATED] * 3
    assert submitted.progress.different == spotted.progress(survey_id, "main").different == 3
    individuals = list(spotted.individuals(survey_id, "main"))
    assert len(individuals) == COUNT


def test_an_unknown_session_is_not_found(spotted: Spotted, survey_id: str) -> None:
    with pytest.raises(NotFoundError):
        spotted.progress(survey_id, "nosuch")
