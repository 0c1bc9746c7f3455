from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from services.common.store.keys import SessionKey
from services.common.store.store import Store
from services.sampler.questions.choice import QuestionRequest
from services.sampler.questions.detection_facts import DetectionFacts
from services.sampler.questions.next_questions import ATTEMPTS, NextQuestions, QuestionBatch
from services.sampler.session.leases import IdPair, Lease, Leases
from spotted.errors import NotFoundError, UnavailableError
from spotted.v1 import sampler_pb2 as pb
from tests.services.sampler.surveys import Sampler, ToyScorer, plant_survey, planted, true_partition
from tests.waiting import until


@pytest.mark.parametrize("strategy", ["random", "greedy", "greedy-visual", "confspal", "learned"])
def test_true_answers_end_in_the_true_individuals(store: Store, survey_id: str, strategy: str) -> None:
    animals = planted()
    sampler = Sampler(store, ToyScorer(animals))
    sampler.create(survey_id, strategy)
    answers = sampler.finish(survey_id, animals)
    assert sampler.partition(survey_id) == true_partition(animals)
    # never more than the pairs there are, and at least the merges that are needed
    assert len(animals) - 5 <= answers < len(animals) * (len(animals) - 1) // 2


def test_spal_runs_dry_and_says_so(store: Store, survey_id: str) -> None:
    animals = planted()
    sampler = Sampler(store, ToyScorer(animals))
    sampler.create(survey_id, "spal")
    sampler.finish(survey_id, animals)
    for group in sampler.partition(survey_id):
        assert len({animals[i] for i in group}) == 1


def test_retraining_asks_until_the_true_individuals_are_known(store: Store, survey_id: str) -> None:
    animals = planted(animals=3, each=4)
    sampler = Sampler(store, ToyScorer(animals))
    settings = pb.StrategySettings(strategy_id="confspal", retrain=True)
    plant_survey(store, survey_id)
    sampler.sessions.create(pb.Session(session_id="main", survey_id=survey_id, strategy=settings), "")
    sampler.finish(survey_id, animals)
    assert sampler.partition(survey_id) == true_partition(animals)


@pytest.mark.parametrize("strategy", ["greedy", "confspal", "learned"])
def test_a_process_that_restarts_before_every_call_asks_the_same_questions(
    store: Store, survey_id: str, strategy: str
) -> None:
    animals = planted(animals=4, each=3)
    other = f"{survey_id}-b"
    steady = Sampler(store, ToyScorer(animals))
    steady.create(survey_id, strategy, seed=7)
    Sampler(store, ToyScorer(animals)).create(other, strategy, seed=7)
    while pairs := steady.ask(survey_id):
        assert Sampler(store, ToyScorer(animals)).ask(other) == pairs
        steady.answer_truly(survey_id, pairs[0], animals)
        Sampler(store, ToyScorer(animals)).answer_truly(other, pairs[0], animals)
    assert Sampler(store, ToyScorer(animals)).ask(other) == []


def test_an_annotator_gets_the_same_question_back_until_it_is_answered(store: Store, survey_id: str) -> None:
    sampler = Sampler(store, ToyScorer(planted()))
    sampler.create(survey_id)
    assert sampler.ask(survey_id) == sampler.ask(survey_id)


def test_two_annotators_at_two_replicas_never_hold_one_pair_and_lose_no_label(
    store: Store, survey_id: str
) -> None:
    animals = planted(animals=6, each=4)
    replicas = [Sampler(store, ToyScorer(animals)) for _ in range(2)]
    replicas[0].create(survey_id)
    held: list[set[tuple[str, str]]] = [set(), set()]
    stored: list[str] = []

    def work(number: int) -> None:
        sampler, name = replicas[number], f"annotator-{number}"
        for _ in range(40):
            pairs = sampler.ask(survey_id, name, count=2)
            held[number] = set(pairs)
            assert not held[number] & held[1 - number]
            for pair in pairs:
                same = animals[pair[0]] == animals[pair[1]]
                answer = pb.ANSWER_SAME if same else pb.ANSWER_DIFFERENT
                # given up before the answer ends the lease, so that the other never sees both
                held[number].discard(pair)
                stored.append(sampler.answer(survey_id, pair, answer, name).label.label_id)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    folded = Sampler(store, ToyScorer(animals)).sessions.folded(survey_id, "main")
    kept = folded.view(lambda state, _: set(state.labels))
    assert len(stored) == len(set(stored))
    assert kept == set(stored)


def test_a_lease_that_ended_frees_its_pair(store: Store, survey_id: str) -> None:
    animals = {"d1": "a", "d2": "a"}
    sampler = Sampler(store, ToyScorer(animals))
    sampler.create(survey_id)
    asked = sampler.asked(survey_id, "anna", lease_s=0.05)
    assert len(asked.questions) == 1
    free = until(lambda: sampler.ask(survey_id, "ben"), "the lease has ended")
    assert free == [asked.questions[0].detection_ids]


def test_a_pair_that_another_holds_is_not_asked_and_the_session_is_not_finished(
    store: Store, survey_id: str
) -> None:
    sampler = Sampler(store, ToyScorer({"d1": "a", "d2": "a"}))
    sampler.create(survey_id)
    assert sampler.ask(survey_id, "anna")
    asked = sampler.asked(survey_id, "ben")
    assert (asked.questions, asked.finished) == ((), False)


def test_a_skipped_pair_is_kept_only_from_its_annotator(store: Store, survey_id: str) -> None:
    sampler = Sampler(store, ToyScorer({"d1": "a", "d2": "a"}))
    sampler.create(survey_id)
    (pair,) = sampler.ask(survey_id, "anna")
    sampler.answer(survey_id, pair, pb.ANSWER_SKIP, "anna")
    asked = sampler.asked(survey_id, "anna")
    assert (asked.questions, asked.finished) == ((), False)
    assert sampler.ask(survey_id, "ben") == [pair]


def test_what_cannot_be_compared_closes_its_pair_only(store: Store, survey_id: str) -> None:
    animals = {"d1": "a", "d2": "a", "d3": "a"}
    sampler = Sampler(store, ToyScorer(animals))
    sampler.create(survey_id)
    (pair,) = sampler.ask(survey_id)
    outcome = sampler.answer(survey_id, pair, pb.ANSWER_NOT_COMPARABLE)
    assert outcome.effect == pb.LABEL_EFFECT_CLOSED
    sampler.finish(survey_id, animals)
    assert sampler.partition(survey_id) == {frozenset(animals)}


def test_pairs_beyond_the_first_candidates_are_reached_in_the_end(store: Store, survey_id: str) -> None:
    animals = planted(animals=4, each=4)
    sampler = Sampler(store, ToyScorer(animals))
    sampler.create(survey_id, top_k=1)
    sampler.finish(survey_id, animals)
    assert sampler.partition(survey_id) == true_partition(animals)


def test_detections_that_come_later_join_and_two_of_one_image_stay_apart(
    store: Store, survey_id: str
) -> None:
    animals = {"d1": "a", "d2": "a"}
    scorer = ToyScorer(animals)
    sampler = Sampler(store, scorer)
    sampler.create(survey_id)
    sampler.finish(survey_id, animals)
    animals |= {"d3": "a", "d4": "b"}
    scorer.images = {"d3": "one", "d4": "one"}
    while pairs := sampler.ask(survey_id):
        assert set(pairs[0]) != {"d3", "d4"}
        sampler.answer_truly(survey_id, pairs[0], animals)
    assert sampler.partition(survey_id) == {frozenset({"d1", "d2", "d3"}), frozenset({"d4"})}


def test_a_scorer_that_is_gone_is_named_and_labels_are_taken_all_the_same(
    store: Store, survey_id: str
) -> None:
    scorer = ToyScorer({"d1": "a", "d2": "a", "d3": "b"})
    sampler = Sampler(store, scorer)
    sampler.create(survey_id)
    (pair,) = sampler.ask(survey_id)
    scorer.fails = UnavailableError("nothing answers at 127.0.0.1:1; start it")
    sampler.answer(survey_id, pair, pb.ANSWER_SAME)
    with pytest.raises(UnavailableError, match="start it"):
        Sampler(store, scorer).ask(survey_id, "ben")


def test_an_unknown_session_is_not_found(store: Store, survey_id: str) -> None:
    with pytest.raises(NotFoundError, match="create the session first"):
        Sampler(store, ToyScorer(planted())).ask(survey_id)


class LostLeases(Leases):
    """Leases that another annotator always acquires first."""

    attempts = 0

    def acquire(
        self, key: SessionKey, generation: str, annotator_id: str, pairs: Sequence[IdPair], duration_s: float
    ) -> list[Lease]:
        self.attempts += 1
        return super().acquire(key, generation, annotator_id, pairs[:0], duration_s)


def test_an_annotator_who_always_loses_the_race_for_a_lease_gets_no_question_yet(
    store: Store, survey_id: str
) -> None:
    scorer = ToyScorer(planted())
    sampler = Sampler(store, scorer)
    sampler.create(survey_id)
    leases = LostLeases(store)
    questions = NextQuestions(sampler.sessions, sampler.planner, leases, DetectionFacts(scorer))
    batch = questions.next_pairs(survey_id, "main", QuestionRequest("anna", 1, 600.0))
    questions.close()
    assert batch == QuestionBatch((), finished=False)
    # the first attempt only plans a round
    assert ATTEMPTS - 1 <= leases.attempts <= ATTEMPTS
