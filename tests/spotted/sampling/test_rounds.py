from __future__ import annotations

import itertools

import numpy as np
import pytest

from spotted.arrays import IntArray
from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.closure import Closure
from spotted.errors import PreconditionError
from spotted.sampling.candidate_graph import CandidateGraph
from spotted.sampling.rounds import PairQuery, PlanState, Round, RoundQueue, queries
from spotted.sampling.strategies.conformance import small_survey
from spotted.sampling.strategies.ranked import Greedy, Random


def served(queue: RoundQueue, count: int = 10, **left_out: set[tuple[int, int]]) -> list[tuple[int, int]]:
    return [(query.first, query.second) for query in queue.next_open_pairs(count, **left_out)]


def serving(items: int, *pairs: tuple[int, int]) -> RoundQueue:
    queue = RoundQueue(Closure(items))
    queue.start(Round(1, "greedy", tuple(PairQuery(*pair, "", 0.0) for pair in pairs)))
    return queue


def answer(queue: RoundQueue, first: int, second: int, given: Answer) -> None:
    queue.constraints.apply(LabelledPair(f"{first}-{second}", first, second, given))


def test_pairs_are_served_in_order_until_they_are_answered() -> None:
    queue = serving(6, (4, 5), (0, 1), (2, 3))
    assert served(queue, 2) == served(queue, 2) == [(4, 5), (0, 1)]
    answer(queue, 0, 1, Answer.DIFFERENT)
    assert served(queue, 2) == [(4, 5), (2, 3)]


@pytest.mark.parametrize("given", list(Answer))
def test_every_answer_closes_its_pair(given: Answer) -> None:
    queue = serving(2, (0, 1))
    assert served(queue)
    answer(queue, 0, 1, given)
    assert served(queue) == []


def test_a_pair_that_became_implied_is_skipped() -> None:
    queue = serving(3, (0, 1), (1, 2), (0, 2))
    answer(queue, 0, 1, Answer.SAME)
    answer(queue, 1, 2, Answer.DIFFERENT)
    assert served(queue) == []


def test_one_batch_never_asks_twice_about_two_components() -> None:
    queue = serving(4, (0, 2), (1, 3), (1, 2), (0, 1))
    answer(queue, 2, 3, Answer.SAME)
    assert served(queue) == [(0, 2), (1, 3), (0, 1)]


def test_a_pair_that_an_answer_elsewhere_may_imply_waits() -> None:
    queue = serving(4, (0, 2), (0, 3))
    answer(queue, 2, 3, Answer.SAME)
    assert served(queue, busy={(0, 3)}) == []
    assert served(queue, excluding={(0, 2)}) == [(0, 3)]
    assert served(queue)


def test_rounds_follow_one_another_by_number() -> None:
    queue = serving(2, (0, 1))
    with pytest.raises(PreconditionError, match="round 3 cannot start; the next round is 2"):
        queue.start(Round(3, "greedy", ()))
    queue.start(Round(2, "greedy", ()))
    assert queue.round == Round(2, "greedy", ())


def test_before_the_first_round_there_is_nothing_to_serve() -> None:
    queue = RoundQueue(Closure(2))
    assert queue.round is None
    assert served(queue) == []


def test_planning_depends_on_seed_and_round_number_only(graph: CandidateGraph, truth: IntArray) -> None:
    queue = RoundQueue(Closure(len(truth)))
    planned = queue.plan_next(Random(), graph, seed=7)
    assert queue.plan_next(Random(), graph, seed=7) == planned
    assert queue.plan_next(Random(), graph, seed=8) != planned
    queue.start(planned)
    assert queue.plan_next(Random(), graph, seed=7).pairs != planned.pairs


def test_a_plan_leaves_out_what_is_excluded(graph: CandidateGraph, truth: IntArray) -> None:
    state = PlanState(graph, Closure(len(truth)), 1)
    best = Greedy().plan(state, np.random.default_rng(0)).pairs[:2]
    without = frozenset({(best[0].first, best[0].second)})
    state = PlanState(graph, Closure(len(truth)), 1, excluding=without)
    assert Greedy().plan(state, np.random.default_rng(0)).pairs[0] == best[1]


def test_the_pairs_about_a_component_are_the_open_ones_with_any_of_its_items_in_order() -> None:
    pairs = tuple(itertools.combinations(range(7), 2))
    queue = serving(7, *reversed(pairs))
    for first, second, given in ((0, 1, Answer.SAME), (1, 2, Answer.SAME), (2, 4, Answer.DIFFERENT)):
        # what was looked up before an answer does not hide what it changes
        assert [*queue.about(queue.constraints.component_of(0))]
        answer(queue, first, second, given)
    for item in range(7):
        component = queue.constraints.component_of(item)
        members = queue.constraints.members(component)
        expected = [query for query in queue.open_pairs() if {*query[:2]} & {*members}]
        assert [*queue.about(component)] == expected
    query, other = (PairQuery(*pair, "", 0.0) for pair in ((5, 6), (4, 5)))
    queue.start(Round(2, "greedy", (query,), beside=(other,)))
    assert [[*queue.about(item)] for item in (3, 5)] == [[], [query, other]]
    # what fills galleries is not asked by itself
    assert served(queue) == [(5, 6)]


def test_what_fills_galleries_teaches_once_it_is_answered_by_whichever_images() -> None:
    queue = RoundQueue(Closure(6))
    asked, *further = (
        PairQuery(*pair, "", 0.1, terms)
        for pair, terms in (((0, 1), (1.0,)), ((0, 2), (2.0,)), ((0, 3), (3.0,)), ((0, 4), ()))
    )
    queue.start(Round(1, "learned", (asked,), beside=tuple(further)))

    def known() -> list[PairQuery]:
        seen = Known()
        queue.plan_next(seen, small_survey(seed=0)[0], seed=0)
        return seen.known

    answer(queue, 4, 5, Answer.SAME)
    for pair, expected in (
        ((0, 1), [asked]),
        ((2, 4), [asked]),
        ((0, 2), [asked, further[0]]),
        # implied by now, and taught by nobody
        ((0, 4), [asked, further[0]]),
    ):
        queue.learn_from(pair)
        assert known() == expected
    answer(queue, 3, 5, Answer.DIFFERENT)
    queue.constraints.apply(LabelledPair("1-3", 1, 3, Answer.SAME))
    queue.learn_from((0, 1))
    assert known() == [asked, further[0]]
    # an image of the animal of 3 beside that of 0
    queue.constraints.apply(LabelledPair("x", 1, 5, Answer.DIFFERENT))
    queue.learn_from((0, 3))
    assert known() == [asked, *further[:2]]
    assert queue.chance((0, 3)) == 0.1


class Known:
    """A strategy that notes from which queries it may learn."""

    def __init__(self) -> None:
        self.known: list[PairQuery] = []

    def plan(self, state: PlanState, rng: np.random.Generator) -> Round:
        self.known = [*state.known]
        return Round(
            state.number, "noted", tuple(queries(state.graph, rng.permutation(1), state.graph.fused, ""))
        )


def test_another_image_has_the_chance_of_the_pair_that_it_stands_for() -> None:
    queue = RoundQueue(Closure(4))
    queue.start(Round(1, "learned", (PairQuery(0, 1, "", 0.3, (1.0,)),)))
    answer(queue, 1, 2, Answer.SAME)
    for pair in ((0, 2), (0, 3)):
        queue.learn_from(pair)
    for later in (queue, queue.over(queue.constraints)):
        assert [later.chance(pair) for pair in ((0, 1), (0, 2), (0, 3))] == [0.3, 0.3, None]
