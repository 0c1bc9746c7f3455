from __future__ import annotations

import itertools

import numpy as np
import pytest

from spotted.arrays import IntArray
from spotted.constraints.answers import Answer
from spotted.constraints.closure import Closure
from spotted.errors import InvalidInputError
from spotted.sampling.candidate_graph import CandidateGraph
from spotted.sampling.rounds import Strategy
from spotted.sampling.strategies.by_name import KINDS, strategy
from spotted.simulation.agreement import Agreement
from spotted.simulation.annotators import annotator
from spotted.simulation.session import Curve, questions_to, simulate_session


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "spal"])
def test_every_strategy_finds_every_positive_of_a_complete_graph(
    graph: CandidateGraph, truth: IntArray, kind: str
) -> None:
    curve = simulate_session(graph, strategy(kind), truth, seed=0)
    assert curve.found[-1] == curve.total
    assert not curve.exhausted
    # every merge joins two components, so that their number is known beforehand
    assert curve.merged.sum() == len(truth) - len(np.unique(truth))


@pytest.mark.parametrize("kind", ["random", "confspal"])
def test_a_session_repeats_itself(graph: CandidateGraph, truth: IntArray, kind: str) -> None:
    first, again = (simulate_session(graph, strategy(kind), truth, seed=3, target=0.9) for _ in range(2))
    assert first.found.tolist() == again.found.tolist()


def test_better_scores_need_fewer_questions(graph: CandidateGraph, truth: IntArray) -> None:
    def questions(chosen: Strategy) -> int:
        return simulate_session(graph, chosen, truth, seed=0).questions_to(0.95) or 0

    fused, visual, random = (questions(strategy(k)) for k in ("greedy", "greedy-visual", "random"))
    assert 0 < fused < visual < random
    assert questions(strategy("confspal")) < visual


def test_a_perfect_score_needs_one_question_per_merge(truth: IntArray, graph: CandidateGraph) -> None:
    perfect = (truth[graph.first] == truth[graph.second]).astype(np.float32)
    oracle = CandidateGraph(graph.n, graph.first, graph.second, perfect, perfect, perfect)
    curve = simulate_session(oracle, strategy("greedy"), truth, seed=0)
    assert len(curve.found) == len(truth) - len(np.unique(truth))


def test_positives_outside_the_graph_are_never_found(truth: IntArray, graph: CandidateGraph) -> None:
    column = graph.first == 0
    star = CandidateGraph(
        graph.n,
        *(c[column] for c in (graph.first, graph.second, graph.visual, graph.feasibility, graph.fused)),
    )
    curve = simulate_session(star, strategy("greedy"), truth, seed=0)
    others = int((truth == truth[0]).sum()) - 1
    assert curve.exhausted
    assert curve.found[-1] == others * (others + 1) // 2 < curve.total


def test_two_animals_of_one_image_are_never_asked_about(truth: IntArray, graph: CandidateGraph) -> None:
    apart = [pair for pair in itertools.combinations(range(10), 2) if truth[pair[0]] != truth[pair[1]]]
    curve = simulate_session(graph, strategy("greedy"), truth, seed=0, same_image=tuple(apart))
    assert len(curve.found) < len(simulate_session(graph, strategy("greedy"), truth, seed=0).found)


def test_a_session_stops_at_its_target_or_limit(graph: CandidateGraph, truth: IntArray) -> None:
    half = simulate_session(graph, strategy("greedy"), truth, seed=0, target=0.5)
    assert half.questions_to(0.5) == len(half.found)
    assert len(simulate_session(graph, strategy("greedy"), truth, seed=0, max_questions=7).found) == 7


def test_a_wrong_answer_costs_precision_and_true_answers_do_not(
    graph: CandidateGraph, truth: IntArray
) -> None:
    def end(rate: float) -> Agreement:
        asked = annotator("persistent", graph, truth, rate=rate, seed=0)
        return (
            simulate_session(graph, strategy("greedy"), truth, seed=0, answer=asked).checkpoints[-1].agreement
        )

    assert end(0.0) == Agreement(1.0, 1.0, 1.0, 1.0, 0)
    assert end(0.1).pair_precision < 1.0
    assert end(0.1).b_cubed_precision < 1.0


def test_found_counts_true_pairs_only(graph: CandidateGraph, truth: IntArray) -> None:
    curve = simulate_session(graph, strategy("greedy"), truth, seed=0, answer=lambda *_: Answer.SAME)
    whole = curve.checkpoints[-1].agreement
    assert curve.found[-1] == curve.total
    assert whole.pair_recall == 1.0
    assert whole.pair_precision < 1.0
    assert whole.surplus < 0


def test_checkpoints_stand_where_they_were_asked_for_and_at_the_end(
    graph: CandidateGraph, truth: IntArray
) -> None:
    curve = simulate_session(graph, strategy("greedy"), truth, seed=0, checkpoints=(5, 20), max_questions=40)
    assert [at.questions for at in curve.checkpoints] == [5, 20, 40]
    for at in curve.checkpoints:
        assert at.agreement.pair_recall == curve.found[at.questions - 1] / curve.total


def test_answers_are_folded_into_the_constraints_that_are_given(
    graph: CandidateGraph, truth: IntArray
) -> None:
    folded = Closure(graph.n)
    curve = simulate_session(graph, strategy("greedy"), truth, seed=0, constraints=folded, max_questions=40)
    assert folded.positives == curve.found[-1]


def test_checks_are_asked_before_the_strategy_and_again_once_it_is_dry(
    graph: CandidateGraph, truth: IntArray
) -> None:
    """Only the checks give the truth, whenever the strategy has nothing more to ask."""
    none = np.zeros(len(graph), dtype=np.bool_)
    empty = CandidateGraph(
        graph.n,
        graph.first[none],
        graph.second[none],
        graph.visual[none],
        graph.feasibility[none],
        graph.fused[none],
    )
    pairs = [(a, b) for a, b in itertools.combinations(range(graph.n), 2) if truth[a] == truth[b]]
    waiting = iter(pairs)
    curve = simulate_session(empty, strategy("greedy"), truth, seed=0, checks=lambda: next(waiting, None))
    assert curve.found[-1] == curve.total
    asked: list[tuple[int, int]] = []
    waiting = iter(pairs[:1])

    def answer(first: int, second: int) -> Answer:
        asked.append((first, second))
        return Answer.DIFFERENT

    checks = lambda: next(waiting, None)  # noqa: E731 - one expression, used once
    simulate_session(graph, strategy("greedy"), truth, seed=0, answer=answer, checks=checks, max_questions=2)
    assert asked[0] == pairs[0] != asked[1]


def test_a_share_is_reached_where_it_first_was() -> None:
    assert Curve(np.array([0, 9, 4, 10]), np.zeros(4, np.bool_), 10, exhausted=False).questions_to(0.9) == 2


def test_questions_to_a_share_are_read_off_the_curve() -> None:
    curve = Curve(np.array([0, 3, 3, 9]), np.array([False, True, False, True]), total=10, exhausted=True)
    shares = [0.0, 0.1, 0.3, 0.31, 0.9, 0.91]
    assert [curve.questions_to(share) for share in shares] == [0, 2, 2, 4, 4, None]


def test_questions_to_are_counted_from_the_first_question_that_reached_the_share() -> None:
    assert [questions_to(np.array([0, 3, 3, 19, 20]), 20, share) for share in (0.95, 1.0)] == [4, 5]
    assert questions_to(np.array([0, 3, 3]), 20, 0.95) is None
    # with nothing to find, nothing has to be asked
    assert questions_to(np.zeros(3, dtype=np.int64), 0, 0.95) == questions_to(np.array([5]), 20, 0.0) == 0


def test_truth_or_constraints_of_another_length_are_refused(graph: CandidateGraph, truth: IntArray) -> None:
    with pytest.raises(InvalidInputError, match="one individual per item"):
        simulate_session(graph, strategy("greedy"), np.zeros(3, dtype=np.int64), seed=0)
    with pytest.raises(InvalidInputError, match="constraints hold 3 of 60"):
        simulate_session(graph, strategy("greedy"), truth, seed=0, constraints=Closure(3))
