from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.arrays import FloatArray, IntArray
from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.closure import Closure
from spotted.errors import InvalidInputError
from spotted.sampling.candidate_graph import CandidateGraph, open_rows
from spotted.sampling.rounds import PlanState, RoundQueue
from spotted.sampling.strategies.ranked import Greedy, Random, highest
from spotted.simulation.session import answer_truly, ask

Pair = tuple[int, int]


def one_at_a_time(graph: CandidateGraph, score: FloatArray, truth: IntArray) -> list[Pair]:
    """The plain greedy loop: after every answer, the best open pair of all."""
    constraints = Closure(graph.n)
    asked: list[Pair] = []
    while True:
        rows = [
            (-float(value), a, b)
            for a, b, value in zip(graph.first.tolist(), graph.second.tolist(), score, strict=True)
            if constraints.is_open(a, b)
        ]
        if not rows:
            return asked
        _, a, b = min(rows)
        same = truth[a] == truth[b]
        constraints.apply(_label(a, b, same=bool(same)))
        asked.append((a, b))


def _label(a: int, b: int, *, same: bool) -> LabelledPair:
    return LabelledPair(f"{a}-{b}", a, b, Answer.SAME if same else Answer.DIFFERENT)


@pytest.mark.parametrize("round_size", [1, 7, 200])
@pytest.mark.parametrize("score", ["fused", "visual"])
def test_rounds_ask_exactly_what_the_one_at_a_time_loop_asks(
    graph: CandidateGraph, truth: IntArray, round_size: int, score: Literal["fused", "visual"]
) -> None:
    queue = RoundQueue(Closure(graph.n))
    asked = []
    for query in ask(queue, Greedy(score, round_size), graph, seed=0):
        answer_truly(queue.constraints, query, truth)
        asked.append((query.first, query.second))
    assert asked == one_at_a_time(graph, getattr(graph, score), truth)


@given(
    st.lists(st.tuples(st.sampled_from([0.1, 0.5, 0.5, 0.9]), st.booleans()), min_size=1), st.integers(1, 12)
)
def test_highest_equals_a_full_sort_with_ties_by_row(rows: list[tuple[float, bool]], count: int) -> None:
    score = np.array([value for value, _ in rows])
    mask = np.array([kept for _, kept in rows])
    expected = sorted((-value, row) for row, (value, kept) in enumerate(rows) if kept)[:count]
    assert highest(score, mask, count).tolist() == [row for _, row in expected]


def test_random_draws_open_pairs_without_repetition(graph: CandidateGraph) -> None:
    constraints = Closure(graph.n)
    constraints.apply(_label(0, 1, same=True))
    planned = Random(round_size=10_000).plan(PlanState(graph, constraints, 1), np.random.default_rng(0))
    drawn = [(query.first, query.second) for query in planned.pairs]
    assert len(drawn) == len(set(drawn)) == open_rows(graph, constraints).sum()
    assert drawn != sorted(drawn)


def test_the_reason_is_a_sentence(graph: CandidateGraph) -> None:
    state = PlanState(graph, Closure(graph.n), 1)
    query = Greedy("visual").plan(state, np.random.default_rng(0)).pairs[0]
    assert query.reason == f"most alike pair still open, visual score {graph.visual.max():.2f}"
    assert query.score == pytest.approx(float(graph.visual.max()))


def test_an_unknown_score_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="not one of fused, visual"):
        Greedy("feasibility")  # type: ignore[arg-type]  # the point of the test


@pytest.mark.parametrize("kind", [Random, Greedy])
def test_a_round_without_room_is_refused(kind: type[Random | Greedy]) -> None:
    with pytest.raises(InvalidInputError, match="round_size 0 is below 1"):
        kind(round_size=0)
