from __future__ import annotations

from itertools import combinations, product

import pytest

from spotted.client import Spotted
from spotted.errors import NotFoundError
from spotted.v1 import sampler_pb2 as pb
from tests.spotted.client.surveys import COUNT, DETECTIONS


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


def test_the_labels_are_those_that_stand_oldest_first(spotted: Spotted, survey_id: str) -> None:
    spotted.create_session(survey_id, "main", strategy="greedy")
    assert spotted.labels(survey_id, "main") == []
    spotted.next_pairs(survey_id, "main", "anna")
    given = []
    # one event for each label, more than a page of events
    for annotator, (first, second) in product(("anna", "ben"), combinations(DETECTIONS, 2)):
        same = first.individual_id == second.individual_id
        label = pb.Label(
            first_detection_id=first.detection_id,
            second_detection_id=second.detection_id,
            answer=pb.ANSWER_SAME if same else pb.ANSWER_DIFFERENT,
            annotator_id=annotator,
        )
        given += [o.label for o in spotted.submit_labels(survey_id, "main", [label]).outcomes]
    assert spotted.labels(survey_id, "main") == given
    assert len(given) > 100
    taken_back = [given[0].label_id, given[70].label_id]
    request = pb.RetractLabelsRequest(
        survey_id=survey_id, session_id="main", label_ids=taken_back, annotator_id="anna"
    )
    spotted.sampler.RetractLabels(request, timeout=30)
    assert spotted.labels(survey_id, "main") == [one for one in given if one.label_id not in taken_back]


def test_the_labels_of_an_unknown_session_are_not_found(spotted: Spotted, survey_id: str) -> None:
    with pytest.raises(NotFoundError):
        spotted.labels(survey_id, "nosuch")
