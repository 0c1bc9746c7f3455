from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from services.common.store import Store
from spotted import oracle
from spotted.client import Spotted
from spotted.errors import PreconditionError
from tests.spotted.client.surveys import DETECTIONS, SPEC, serving, survey, vectors


@pytest.fixture
def spotted(store: Store, survey_id: str) -> Iterator[Spotted]:
    with serving(store) as client:
        client.create_survey(survey(survey_id))
        client.add_detections(survey_id, DETECTIONS, vectors(), SPEC)
        client.create_session(survey_id, "main", strategy="greedy")
        yield client


def test_the_oracle_answers_until_the_session_is_finished(spotted: Spotted, survey_id: str) -> None:
    truth = oracle.truth(spotted, survey_id)
    assert truth == {d.detection_id: d.individual_id for d in DETECTIONS}
    given = oracle.answer_all(spotted, survey_id, "main", truth)
    progress = spotted.progress(survey_id, "main")
    assert (progress.individuals, progress.same + progress.different) == (4, given)


def test_the_oracle_stops_when_it_is_told_to(spotted: Spotted, survey_id: str) -> None:
    truth = oracle.truth(spotted, survey_id)
    assert oracle.answer_all(spotted, survey_id, "main", truth, limit=2) == 2
    found: list[int] = []
    oracle.answer_all(
        spotted,
        survey_id,
        "main",
        truth,
        until_same_pairs=5,
        told=lambda _, progress: found.append(progress.same_pairs),
    )
    assert found[-1] >= 5
    assert all(pairs < 5 for pairs in found[:-1])


def test_an_oracle_that_does_not_know_an_animal_refuses(spotted: Spotted, survey_id: str) -> None:
    unknown = replace(DETECTIONS[0], detection_id="d99", individual_id="")
    spotted.add_detections(survey_id, [unknown], vectors()[:1] * 3 + 1, SPEC)
    with pytest.raises(PreconditionError, match=r"1 of 13 detections.*'d99'.*without --oracle"):
        oracle.truth(spotted, survey_id)
