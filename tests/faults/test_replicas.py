"""Two replicas of a sampler on one session, either dropped and recreated at any moment."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.common.store.store import Store
from services.sampler.questions.planner import Planner
from spotted.sampling.rounds import Pair
from spotted.v1 import sampler_pb2 as pb
from tests.faults.annotators import (
    ALL_KINDS,
    PAIRS,
    Annotators,
    Clock,
    Ending,
    Replica,
    differences,
    journalled,
    true_answers,
)
from tests.services.sampler.surveys import Sampler, ToyScorer, plant_survey, planted
from tests.waiting import PATIENCE_S

ANIMALS = planted(animals=3, each=3)
TIMES_S = {"d00": 0.0, "d06": 10.0}
# more than any script has
MOST_CALLS = 40


@dataclass(frozen=True)
class Turn:
    """A turn of an annotator, who asks and answers, for an audit or not, or takes a label back."""

    annotator_id: str
    kind: str
    wrong: bool


TURNS = st.lists(
    st.builds(
        Turn,
        annotator_id=st.sampled_from(["anna", "ben"]),
        kind=st.sampled_from(["answer", "answer", "answer", "audit", "retract"]),
        wrong=st.sampled_from([False, False, False, True]),
    ),
    min_size=3,
    max_size=12,
)
# for each call: the replica that takes it, and whether that one is recreated before
DEALS = st.lists(st.tuples(st.integers(0, 1), st.booleans()), min_size=MOST_CALLS, max_size=MOST_CALLS)


def toy() -> ToyScorer:
    return ToyScorer(ANIMALS, times_s=TIMES_S)


def played(store: Store, survey_id: str, turns: Sequence[Turn], deals: Sequence[tuple[int, bool]]) -> Ending:
    """Where a session ends whose calls are dealt to two replicas."""
    plant_survey(store, survey_id)
    clock = Clock()
    replicas = [Replica(store, toy(), clock) for _ in range(2)]
    dealt = iter(deals)

    def replica() -> Replica:
        which, recreated = next(dealt)
        if recreated:
            replicas[which] = Replica(store, toy(), clock)
        return replicas[which]

    session = Annotators(survey_id, f"session-{uuid.uuid4().hex[:12]}", replica, clock)
    session.create("create", top_k=2)
    for number, turn in enumerate(turns):
        play(session, turn, str(number))
    endings = [session.ending(each) for each in replicas]
    assert not differences(*endings)
    assert journalled(endings[0]) == session.acknowledged
    return endings[0]


def play(session: Annotators, turn: Turn, request_id: str) -> None:
    if turn.kind == "retract":
        if session.standing:
            session.retract(session.standing[-1], turn.annotator_id, request_id)
        return
    audit = turn.kind == "audit"
    asked = session.ask(turn.annotator_id, 2, kinds=PAIRS if audit else ALL_KINDS, audit=audit)
    answers = true_answers(asked.questions, ANIMALS, turn.annotator_id)
    for label in answers.labels[: int(turn.wrong)]:
        label.answer = pb.ANSWER_SKIP if label.answer == pb.ANSWER_SAME else pb.ANSWER_SAME
    if answers.labels or answers.mixed_bursts:
        session.submit(answers, request_id)


@pytest.mark.slow
@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(turns=TURNS, deals=DEALS)
def test_calls_dealt_to_two_replicas_end_as_at_one(
    store: Store, survey_id: str, turns: list[Turn], deals: list[tuple[int, bool]]
) -> None:
    alone = played(store, survey_id, turns, [(0, False)] * MOST_CALLS)
    assert not differences(played(store, survey_id, turns, deals), alone)


def test_a_round_that_one_replica_planned_is_served_by_the_other(store: Store, survey_id: str) -> None:
    scorers = [toy(), toy()]
    here, there = (Sampler(store, scorer) for scorer in scorers)
    here.create(survey_id)
    assert here.ask(survey_id, "anna") != there.ask(survey_id, "ben")
    assert [scorer.reads for scorer in scorers] == [1, 0]


class MetPlanner(Planner):
    """Plans once all replicas have begun to."""

    met = threading.Barrier(2, timeout=PATIENCE_S)

    def plan(self, survey_id: str, session_id: str, excluding: frozenset[Pair]) -> pb.PlannedRound | None:
        planned = super().plan(survey_id, session_id, excluding)
        self.met.wait()
        return planned


def test_of_two_replicas_that_plan_at_once_one_round_stands_and_both_serve_it(
    store: Store, survey_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.services.sampler.surveys.Planner", MetPlanner)
    here, there = Sampler(store, toy()), Sampler(store, toy())
    here.create(survey_id)
    with ThreadPoolExecutor(2) as threads:
        asked = [threads.submit(each.ask, survey_id, name) for each, name in ((here, "anna"), (there, "ben"))]
        (mine,), (yours,) = (each.result() for each in asked)
    assert mine != yours
    kinds = [event.WhichOneof("event") for event in there.sessions.events(survey_id, "main")]
    assert kinds == ["created", "planned"]


def test_who_finds_every_question_on_another_screen_leaves_no_rounds_behind(
    store: Store, survey_id: str
) -> None:
    sampler = Sampler(store, ToyScorer(dict.fromkeys(("d1", "d2", "d3"), "a")))
    sampler.create(survey_id)
    (pair,) = sampler.ask(survey_id, "anna")
    sampler.answer(survey_id, pair, pb.ANSWER_SAME, "anna")
    # either of the two pairs that are left decides the other
    assert sampler.ask(survey_id, "anna")
    before = len(sampler.sessions.events(survey_id, "main"))
    for _ in range(3):
        asked = sampler.asked(survey_id, "ben")
        assert (asked.questions, asked.finished) == ((), False)
    assert len(sampler.sessions.events(survey_id, "main")) <= before + 1
