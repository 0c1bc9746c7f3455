from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from services.common.store.store import Store
from spotted.client import Spotted, oracle
from spotted.errors import PreconditionError
from spotted.survey import Detection
from spotted.v1 import sampler_pb2 as pb
from tests.spotted.client.surveys import DETECTIONS, SPEC, serving, survey, vectors


@pytest.fixture
def spotted(store: Store, survey_id: str) -> Iterator[Spotted]:
    with serving(store) as client:
        client.create_survey(survey(survey_id))
        client.add_detections(survey_id, DETECTIONS, vectors(), SPEC)
        client.create_session(survey_id, "main", strategy="greedy")
        yield client


# a burst of three frames of one animal and one of two animals, at two cameras, twice
FRAMES = [
    Detection(f"f{n:02}", f"c{n // 3 % 3}", 90_000.0 * (n // 3) + 2.0 * (n % 3), individual_id=animal)
    for n, animal in enumerate(["x", "x", "x", "x", "y", "y", "y", "y", "y", "z", "z", "x"])
]


@pytest.fixture
def bursts(store: Store, survey_id: str) -> Iterator[Spotted]:
    rng = np.random.default_rng(3)
    look = {animal: rng.normal(size=8) for animal in "xyz"}
    seen = np.stack([look[d.individual_id] + 0.3 * rng.normal(size=8) for d in FRAMES]).astype(np.float32)
    # frames of a burst look alike, whoever is on them
    seen[3:6] = seen[3] + 0.01
    seen[9:12] = seen[9] + 0.01
    with serving(store) as client:
        client.create_survey(survey(survey_id))
        client.add_detections(survey_id, FRAMES, seen, SPEC)
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
        told=lambda answered: found.append(answered.progress.same_pairs),
    )
    assert found[-1] >= 5
    assert all(pairs < 5 for pairs in found[:-1])


@pytest.mark.parametrize(
    "shows",
    [
        [pb.QUESTION_KIND_GALLERY],
        [pb.QUESTION_KIND_BURST],
        [pb.QUESTION_KIND_BURST, pb.QUESTION_KIND_GALLERY],
    ],
)
def test_bursts_and_galleries_are_answered_truly_and_each_counts_once(
    bursts: Spotted, survey_id: str, shows: list[pb.QuestionKind.ValueType]
) -> None:
    bursts.create_session(survey_id, "main")
    effects: list[int] = []
    given = oracle.answer_all(
        bursts,
        survey_id,
        "main",
        oracle.truth(bursts, survey_id),
        shows=shows,
        told=lambda answered: effects.append(len(answered.outcomes)),
    )
    assert len(effects) == given
    found = {frozenset(one.detection_ids) for one in bursts.individuals(survey_id, "main")}
    animals = {d.individual_id for d in FRAMES}
    assert found == {frozenset(d.detection_id for d in FRAMES if d.individual_id == a) for a in animals}
    # one answer brings several labels, or none where a burst holds several animals
    assert max(effects) > 1
    assert (0 in effects) == (pb.QUESTION_KIND_BURST in shows)


def test_an_audit_is_answered_as_any_question(spotted: Spotted, survey_id: str) -> None:
    truth = oracle.truth(spotted, survey_id)
    spotted.next_pairs(survey_id, "main", "anna")
    assert oracle.answer_all(spotted, survey_id, "main", truth, audit=True, limit=4) == 4
    assert spotted.progress(survey_id, "main").audit.answered >= 4


def test_an_oracle_that_does_not_know_an_animal_refuses(spotted: Spotted, survey_id: str) -> None:
    unknown = replace(DETECTIONS[0], detection_id="d99", individual_id="")
    spotted.add_detections(survey_id, [unknown], vectors()[:1] * 3 + 1, SPEC)
    with pytest.raises(PreconditionError, match=r"1 of 13 detections.*'d99'.*without --oracle"):
        oracle.truth(spotted, survey_id)
