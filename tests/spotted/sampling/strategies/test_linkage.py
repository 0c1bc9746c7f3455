from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from spotted.arrays import BoolArray, IntArray
from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.closure import Closure
from spotted.constraints.interface import Constraints
from spotted.errors import InvalidInputError
from spotted.sampling.candidate_graph import CandidateGraph
from spotted.sampling.rounds import PlanState, RoundQueue
from spotted.sampling.strategies import linkage
from spotted.sampling.strategies.linkage import MeanLinkage
from spotted.simulation.session import answer_truly, ask

Pair = tuple[int, int]


def part(graph: CandidateGraph, kept: BoolArray) -> CandidateGraph:
    return CandidateGraph(
        graph.n,
        graph.first[kept],
        graph.second[kept],
        graph.visual[kept],
        graph.feasibility[kept],
        graph.fused[kept],
    )


def best_pair(graph: CandidateGraph, constraints: Constraints) -> Pair | None:
    """The pair of the definition, by plain loops over component pairs and their image pairs."""
    rows = zip(graph.first.tolist(), graph.second.tolist(), graph.fused.tolist(), strict=True)
    score = {(a, b): value for a, b, value in rows}
    best: list[tuple[float, float, Pair]] = []
    for ours, theirs in itertools.combinations(constraints.components(), 2):
        pairs = [(min(pair), max(pair)) for pair in itertools.product(ours, theirs)]
        between = [pair for pair in pairs if pair in score]
        still_open = [(score[pair], pair) for pair in between if constraints.is_open(*pair)]
        if still_open:
            mean = float(np.mean([score[pair] for pair in between]))
            best.append((mean, *max(still_open)))
    return max(best)[2] if best else None


@pytest.mark.parametrize("density", [1.0, 0.4])
@pytest.mark.parametrize("layout", ["dense", "sparse"])
def test_rounds_ask_what_planning_after_every_answer_asks(
    graph: CandidateGraph, truth: IntArray, density: float, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linkage, "DENSE", 10**9 if layout == "dense" else 0)
    rng = np.random.default_rng(2)
    few = part(graph, (graph.second < 24) & (rng.random(len(graph)) < density))
    # no two scores tie
    few = replace(few, fused=few.fused + rng.random(len(few), dtype=np.float32) * np.float32(0.01))
    queue = RoundQueue(Closure(graph.n))
    for query in ask(queue, MeanLinkage(), few, seed=0):
        assert (query.first, query.second) == best_pair(few, queue.constraints)
        answer_truly(queue.constraints, query, truth)
    assert best_pair(few, queue.constraints) is None


def test_a_round_names_no_component_twice_and_is_cut_at_its_size(
    graph: CandidateGraph, truth: IntArray
) -> None:
    constraints = Closure(graph.n)
    for a, b in itertools.combinations(range(12), 2):
        answer = Answer.SAME if truth[a] == truth[b] else Answer.DIFFERENT
        constraints.apply(LabelledPair(f"{a}-{b}", a, b, answer))
    planned = MeanLinkage().plan(PlanState(graph, constraints, 1), np.random.default_rng(0)).pairs
    components = [constraints.component_of(item) for q in planned for item in (q.first, q.second)]
    assert len(planned) > 1
    assert len(set(components)) == len(components)
    short = MeanLinkage(round_size=2).plan(PlanState(graph, constraints, 1), np.random.default_rng(0))
    assert short.pairs == planned[:2]


def test_a_pair_that_cannot_be_compared_is_passed_over_and_still_counts(graph: CandidateGraph) -> None:
    three = part(graph, graph.second < 3)
    three = replace(three, fused=np.array([0.9, 0.5, 0.6], dtype=np.float32))
    constraints = Closure(graph.n)
    constraints.apply(LabelledPair("merge", 0, 1, Answer.SAME))
    constraints.apply(LabelledPair("closed", 1, 2, Answer.NOT_COMPARABLE))
    (query,) = MeanLinkage().plan(PlanState(three, constraints, 1), np.random.default_rng(0)).pairs
    assert (query.first, query.second) == (0, 2)
    left_out = PlanState(three, constraints, 1, excluding=frozenset({(0, 2)}))
    assert MeanLinkage().plan(left_out, np.random.default_rng(0)).pairs == ()


def test_a_round_without_room_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="round_size 0 is below 1"):
        MeanLinkage(round_size=0)
