from __future__ import annotations

from dataclasses import replace

import pytest

from spotted.cli.sessions.unfinished import describe, find_unfinished, is_certain
from spotted.client import Progress, SessionHandle, oracle
from spotted.client.values import StopGuarantee
from spotted.errors import PermissionDeniedError
from spotted.facts import KnownIndividuals
from spotted.survey import Detection, Side
from tests.spotted.cli.conftest import Machine
from tests.spotted.cli.test_session import STATE
from tests.spotted.client.surveys import SPEC, survey, vectors


def state(*, known: float, pending: int = 0, left: int | None = 3) -> Progress:
    """A session that is known to have found this share of all merges."""
    safe = tuple(StopGuarantee(target, reached=target <= known) for target in (0.90, 0.95, 0.98))
    return replace(STATE, guarantees=safe, pending=pending, merges_left_at_most=left)


@pytest.mark.parametrize(
    ("known", "pending", "certain"), [(0.95, 0, True), (0.90, 0, False), (0.98, 2, False)]
)
def test_individuals_are_certain_once_95_percent_of_all_merges_are_known(
    known: float, pending: int, *, certain: bool
) -> None:
    assert is_certain(state(known=known, pending=pending)) == certain


def test_a_state_without_guarantees_is_not_taken_for_certain() -> None:
    assert not is_certain(replace(STATE, guarantees=()))


def test_an_unfinished_session_says_how_many_may_be_counted_twice() -> None:
    assert describe(state(known=0.90, left=7)) == (
        "it has 4 individuals among 12 detections; up to 7 of the individuals may be an animal that is "
        "counted already, with 95 % confidence"
    )
    waiting = describe(state(known=0.98, left=0, pending=2))
    assert waiting == "it has 4 individuals among 12 detections; 2 decisions without enough answers"


@pytest.fixture
def flanks(machine: Machine, survey_id: str) -> tuple[SessionHandle, dict[str, str]]:
    """A session of two animals, each seen from both flanks, which is never asked as a pair."""
    detections = [
        Detection(f"d{n:02}", f"c{n % 3}", n * 5000.0, side=Side.LEFT if n % 4 < 2 else Side.RIGHT)
        for n in range(12)
    ]
    handle = machine.spotted.create_survey(survey(survey_id))
    handle.add_detections(detections, vectors(), SPEC)
    session = handle.create_session("main", strategy="greedy", known_individuals=KnownIndividuals.IGNORED)
    return session, {d.detection_id: f"a{n % 2}" for n, d in enumerate(detections)}


def test_a_session_is_finished_if_no_question_is_left_although_flanks_are_not_compared(
    flanks: tuple[SessionHandle, dict[str, str]],
) -> None:
    session, truth = flanks
    oracle.answer_all(session, truth, limit=2)
    assert "individuals among 12 detections" in find_unfinished(session)
    oracle.answer_all(session, truth)
    # the two flanks of each animal
    assert session.progress().individuals == 4
    assert not is_certain(session.progress())
    assert find_unfinished(session) == ""


def test_whoever_may_only_read_sees_the_session_as_unfinished(
    flanks: tuple[SessionHandle, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    session, truth = flanks
    oracle.answer_all(session, truth)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionDeniedError("the token may only read")

    monkeypatch.setattr(SessionHandle, "next_pairs", refuse)
    assert "4 individuals among 12 detections" in find_unfinished(session)
