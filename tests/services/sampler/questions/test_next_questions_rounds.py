"""Rounds that are planned while others are served, and checks between them."""

from __future__ import annotations

import threading

import pytest

from services.common import process
from services.common.store.store import Store
from services.sampler.questions.choice import QuestionRequest
from services.sampler.questions.detection_facts import DetectionFacts
from services.sampler.questions.next_questions import NextQuestions, QuestionBatch
from services.sampler.questions.planner import Planner
from services.sampler.session.leases import Leases
from services.sampler.session.sessions import Sessions
from spotted.errors import UnavailableError
from spotted.sampling.rounds import Pair
from spotted.v1 import sampler_pb2 as pb
from tests.services.sampler.surveys import Sampler, ToyScorer, events, planted
from tests.waiting import until


class HeldPlanning:
    """Plans at a second replica, and not before it may."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner
        self.may_plan = threading.Event()
        self.may_plan.set()
        self.plans = 0

    def plan(self, survey_id: str, session_id: str, excluding: frozenset[Pair]) -> pb.PlannedRound | None:
        assert self.may_plan.wait(30)
        self.plans += 1
        return self._planner.plan(survey_id, session_id, excluding)


def held_asking(store: Store, scorer: ToyScorer) -> tuple[NextQuestions, HeldPlanning]:
    planning = HeldPlanning(Sampler(store, scorer).planner)
    sessions = Sessions(store, scorer, now=process.now)
    return NextQuestions(sessions, planning, Leases(store), DetectionFacts(scorer)), planning


def test_a_stale_round_is_served_while_the_next_is_planned_once_and_then_takes_over(
    store: Store, survey_id: str
) -> None:
    animals = planted(animals=12, each=5)
    scorer = ToyScorer(animals)
    sampler = Sampler(store, scorer)
    sampler.create(survey_id, "learned")
    asking, planning = held_asking(store, scorer)
    wanted = QuestionRequest("anna", 1, 600.0)
    asking.next_pairs(survey_id, "main", wanted)
    planning.may_plan.clear()
    for _ in range(30):
        (leased,) = asking.next_pairs(survey_id, "main", wanted).questions
        first, second = sorted(leased.detection_ids)
        sampler.answer_truly(survey_id, (first, second), animals)
    assert (planning.plans, len(events(sampler, survey_id, "planned"))) == (1, 1)
    (on_screen,) = asking.next_pairs(survey_id, "main", wanted).questions
    planning.may_plan.set()
    until(lambda: len(events(sampler, survey_id, "planned")) >= 2, "a second round is planned")
    # the new round leaves it out, and yet it is asked until it is answered
    (again,) = asking.next_pairs(survey_id, "main", wanted).questions
    assert again.detection_ids == on_screen.detection_ids
    first, second = sorted(again.detection_ids)
    sampler.answer_truly(survey_id, (first, second), animals)
    (after,) = asking.next_pairs(survey_id, "main", wanted).questions
    state = sampler.sessions.folded(survey_id, "main").view(lambda state, _: state)
    assert state.queue.round is not None
    assert state.queue.round.number == 2
    assert after.question.pairs[0] in state.queue.round.pairs
    asking.close()
    assert planning.plans == 2


def test_two_replicas_that_plan_at_once_journal_one_round(store: Store, survey_id: str) -> None:
    animals = planted()
    scorer = ToyScorer(animals)
    Sampler(store, scorer).create(survey_id)
    replicas = [held_asking(store, scorer) for _ in range(2)]
    for _, planning in replicas:
        planning.may_plan.clear()
    asked: list[tuple[str, ...]] = []

    def ask(number: int) -> None:
        wanted = QuestionRequest(f"annotator-{number}", 1, 600.0)
        questions = replicas[number][0].next_pairs(survey_id, "main", wanted).questions
        asked.extend(q.detection_ids for q in questions)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for _, planning in replicas:
        planning.may_plan.set()
    for thread in threads:
        thread.join()
    assert len(asked) == len(set(asked)) == 2
    assert len(events(Sampler(store, scorer), survey_id, "planned")) == 1


@pytest.mark.parametrize("attempt", range(5))
def test_one_pair_and_two_who_ask_for_it_at_once_is_one_question_and_no_end(
    store: Store, survey_id: str, attempt: int
) -> None:
    scorer = ToyScorer({"d1": "a", f"d{attempt + 2}": "a"})
    Sampler(store, scorer).create(survey_id)
    replicas = [Sampler(store, scorer) for _ in range(2)]
    together = threading.Barrier(2)
    answers: list[QuestionBatch] = []

    def ask(number: int) -> None:
        together.wait(10)
        answers.append(replicas[number].asked(survey_id, f"annotator-{number}"))

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(asked.questions) for asked in answers) == [0, 1]
    assert not any(asked.finished for asked in answers)


def test_annotators_of_one_replica_wait_for_one_plan(store: Store, survey_id: str) -> None:
    scorer = ToyScorer(planted())
    Sampler(store, scorer).create(survey_id)
    asking, planning = held_asking(store, scorer)
    planning.may_plan.clear()
    asked: list[tuple[str, ...]] = []

    def ask(number: int) -> None:
        questions = asking.next_pairs(
            survey_id, "main", QuestionRequest(f"annotator-{number}", 1, 600.0)
        ).questions
        asked.extend(q.detection_ids for q in questions)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    planning.may_plan.set()
    for thread in threads:
        thread.join()
    asking.close()
    assert len(asked) == len(set(asked)) == 8
    assert len(events(Sampler(store, scorer), survey_id, "planned")) == 1


def test_a_failed_plan_fails_who_waits_for_it_and_the_next_one_is_tried_again(
    store: Store, survey_id: str
) -> None:
    scorer = ToyScorer(planted())
    sampler = Sampler(store, scorer)
    sampler.create(survey_id)
    scorer.fails = UnavailableError("nothing answers at 127.0.0.1:1; start it")
    for _ in range(2):
        with pytest.raises(UnavailableError, match="start it"):
            sampler.ask(survey_id)
    scorer.fails = None
    assert sampler.ask(survey_id)


def test_answers_that_wait_for_another_are_asked_of_the_second_annotator_before_the_session_ends(
    store: Store, survey_id: str
) -> None:
    sampler = Sampler(store, ToyScorer({"d1": "a", "d2": "b", "d3": "c"}))
    sampler.create(survey_id, "learned", trust=pb.TRUST_VERIFIED)
    sampler.ask(survey_id)
    unlikely = sampler.unlikeliest(survey_id)
    assert sampler.answer(survey_id, unlikely, pb.ANSWER_SAME).effect == pb.LABEL_EFFECT_PENDING
    (check,) = sampler.asked(survey_id, "ben").questions
    assert "confirms" in check.question.pairs[0].reason
    # ben has it on the screen: anna is asked something else, and the session goes on
    others = sampler.asked(survey_id, "anna", count=9)
    assert check.detection_ids not in [q.detection_ids for q in others.questions]
    assert not others.finished
