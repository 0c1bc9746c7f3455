from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from services.common.store.store import Store
from spotted.client import SessionHandle, SurveyHandle, oracle
from spotted.client.values import QuestionKind
from spotted.errors import PreconditionError
from spotted.facts import KnownIndividuals
from spotted.survey import Detection
from tests.spotted.client.surveys import DETECTIONS, SPEC, serving, survey, vectors


@pytest.fixture
def session(handle: SurveyHandle) -> SessionHandle:
    return handle.create_session("main", strategy="greedy", known_individuals=KnownIndividuals.IGNORED)


# a burst of three frames of one animal and one of two animals, at two cameras, twice
FRAMES = [
    Detection(f"f{n:02}", f"c{n // 3 % 3}", 90_000.0 * (n // 3) + 2.0 * (n % 3), individual_id=animal)
    for n, animal in enumerate(["x", "x", "x", "x", "y", "y", "y", "y", "y", "z", "z", "x"])
]


@pytest.fixture
def bursts(store: Store, survey_id: str) -> Iterator[SurveyHandle]:
    rng = np.random.default_rng(3)
    look = {animal: rng.normal(size=8) for animal in "xyz"}
    seen = np.stack([look[d.individual_id] + 0.3 * rng.normal(size=8) for d in FRAMES]).astype(np.float32)
    # frames of a burst look alike, whoever is on them
    seen[3:6] = seen[3] + 0.01
    seen[9:12] = seen[9] + 0.01
    with serving(store) as client:
        stored = client.create_survey(replace(survey(survey_id), end_s=300_000.0))
        stored.add_detections(FRAMES, seen, SPEC)
        yield stored


def test_the_oracle_answers_until_the_session_is_finished(
    handle: SurveyHandle, session: SessionHandle
) -> None:
    truth = oracle.read_truth(handle)
    assert truth == {d.detection_id: d.individual_id for d in DETECTIONS}
    answered = oracle.answer_all(session, truth)
    progress = session.progress()
    assert (progress.individuals, progress.same + progress.different) == (4, answered)


def test_the_oracle_stops_at_its_limits(handle: SurveyHandle, session: SessionHandle) -> None:
    truth = oracle.read_truth(handle)
    assert oracle.answer_all(session, truth, limit=2) == 2
    found: list[int] = []
    oracle.answer_all(
        session,
        truth,
        until_same_pairs=5,
        on_answer=lambda submitted: found.append(submitted.progress.same_pairs),
    )
    assert found[-1] >= 5
    assert all(pairs < 5 for pairs in found[:-1])


@pytest.mark.parametrize(
    "shows",
    [
        [QuestionKind.GALLERY],
        [QuestionKind.BURST],
        [QuestionKind.BURST, QuestionKind.GALLERY],
    ],
)
def test_bursts_and_galleries_are_answered_truly_and_each_counts_once(
    bursts: SurveyHandle, shows: list[QuestionKind]
) -> None:
    session = bursts.create_session("main", known_individuals=KnownIndividuals.IGNORED)
    effects: list[int] = []
    answered = oracle.answer_all(
        session,
        oracle.read_truth(bursts),
        shows=shows,
        on_answer=lambda submitted: effects.append(len(submitted.outcomes)),
    )
    assert len(effects) == answered
    found = {frozenset(one.detection_ids) for one in session.individuals()}
    animals = {d.individual_id for d in FRAMES}
    assert found == {frozenset(d.detection_id for d in FRAMES if d.individual_id == a) for a in animals}
    # one answer brings several labels, or none if a burst holds several animals
    assert max(effects) > 1
    assert (0 in effects) == (QuestionKind.BURST in shows)


def test_an_audit_is_answered_as_any_question(handle: SurveyHandle, session: SessionHandle) -> None:
    session.next_pairs("anna")
    assert oracle.answer_all(session, oracle.read_truth(handle), audit=True, limit=4) == 4
    audit = session.progress().audit
    assert audit is not None
    assert audit.answered >= 4


def test_an_oracle_that_does_not_know_an_animal_refuses(handle: SurveyHandle) -> None:
    unknown = replace(DETECTIONS[0], detection_id="d99", individual_id="")
    handle.add_detections([unknown], vectors()[:1] * 3 + 1, SPEC)
    with pytest.raises(PreconditionError, match=r"1 of 13 detections.*'d99'.*without --oracle"):
        oracle.read_truth(handle)
