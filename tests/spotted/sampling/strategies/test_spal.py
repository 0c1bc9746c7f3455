from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spotted.arrays import IntArray
from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.closure import Closure
from spotted.constraints.interface import Constraints
from spotted.counting import same_pairs
from spotted.errors import InvalidInputError
from spotted.sampling.candidate_graph import CandidateGraph
from spotted.sampling.rounds import PlanState, RoundQueue
from spotted.sampling.strategies.clustering import NOISE, choose_eps, constrained_dbscan
from spotted.sampling.strategies.spal import ConfSpal, Spal, border_rows
from spotted.simulation.session import answer_truly, ask

RNG = np.random.default_rng(0)


def labelled(truth: IntArray, labels: int) -> Constraints:
    rng = np.random.default_rng(5)
    constraints = Closure(len(truth))
    for number in range(labels):
        a, b = rng.choice(len(truth), 2, replace=False).tolist()
        answer = Answer.SAME if truth[a] == truth[b] else Answer.DIFFERENT
        constraints.apply(LabelledPair(str(number), a, b, answer))
    return constraints


def test_border_rows_equal_a_plain_search_of_every_cluster(graph: CandidateGraph, truth: IntArray) -> None:
    clusters = constrained_dbscan(graph, labelled(truth, 100), eps=0.5)
    score = graph.fused.tolist()
    sides = [(clusters[a], clusters[b]) for a, b in zip(graph.first, graph.second, strict=True)]
    between, inside = set(), set()
    for cluster in set(clusters.tolist()) - {NOISE}:
        crossing = [row for row, (a, b) in enumerate(sides) if (a == cluster) != (b == cluster)]
        within = [row for row, (a, b) in enumerate(sides) if a == b == cluster]
        between.add(min(crossing, key=lambda row: (-score[row], row)))
        inside.add(min(within, key=lambda row: (score[row], row)))
    found_between, found_inside = border_rows(graph, clusters)
    assert set(found_between.tolist()) == between
    assert set(found_inside.tolist()) == inside
    for rows in (found_between, found_inside):
        assert (np.diff(graph.fused[rows]) <= 0).all()


def test_a_round_asks_only_open_pairs_and_says_why(graph: CandidateGraph, truth: IntArray) -> None:
    constraints = labelled(truth, 100)
    planned = Spal(retrain=False).plan(PlanState(graph, constraints, 1), RNG)
    assert planned.kind == "clusters"
    assert planned.pairs
    assert all(constraints.is_open(query.first, query.second) for query in planned.pairs)
    reasons = {query.reason.split(",")[0] for query in planned.pairs}
    assert reasons == {"most alike pair between two groups", "least alike pair inside one group"}


def test_spal_runs_dry_before_all_positives_are_found_and_confspal_does_not(
    graph: CandidateGraph, truth: IntArray
) -> None:
    found, kinds = {}, set()
    for strategy in (Spal(retrain=False), ConfSpal(retrain=False)):
        queue = RoundQueue(Closure(graph.n))
        for query in ask(queue, strategy, graph, seed=0):
            answer_truly(queue.constraints, query, truth)
            kinds.add((type(strategy), queue.round.kind if queue.round else ""))
        found[type(strategy)] = queue.constraints.positives
    assert found[Spal] < found[ConfSpal] == same_pairs(truth)
    assert kinds == {(Spal, "clusters"), (ConfSpal, "clusters"), (ConfSpal, "confidence")}


def test_a_dry_round_is_topped_up_with_the_most_alike_open_pairs(graph: CandidateGraph) -> None:
    state = PlanState(graph, Closure(graph.n), 1)
    planned = ConfSpal(retrain=False, dry_below=10_000, confidence_pairs=3).plan(state, RNG)
    assert planned.kind == "confidence"
    best = np.sort(graph.fused)[::-1][:3]
    assert [query.score for query in planned.pairs[-3:]] == pytest.approx(best.tolist())
    assert planned.pairs[-1].reason.startswith("groups are stable: most alike pair still open")


def test_the_radius_is_chosen_once_and_handed_on(graph: CandidateGraph, truth: IntArray) -> None:
    nothing_known = Closure(graph.n)
    strategy = Spal(retrain=False, largest_cluster=8)
    first = strategy.plan(PlanState(graph, nothing_known, 1), RNG)
    assert first.eps == choose_eps(graph, nothing_known, largest=8)
    labels = labelled(truth, 300)
    assert strategy.plan(PlanState(graph, labels, 2, first), RNG).eps == first.eps
    assert Spal(eps=0.3).plan(PlanState(graph, labels, 2, replace(first, eps=0.9)), RNG).eps == 0.3


def test_retraining_begins_with_the_second_round_and_needs_embeddings(
    graph: CandidateGraph, truth: IntArray
) -> None:
    constraints = labelled(truth, 150)
    plain, learning = ConfSpal(eps=0.5, retrain=False), ConfSpal(eps=0.5)
    first = plain.plan(PlanState(graph, constraints, 1), RNG)
    assert learning.plan(PlanState(graph, constraints, 1), RNG) == first
    second = PlanState(graph, constraints, 2, first)
    assert learning.plan(second, np.random.default_rng(3)) == learning.plan(second, np.random.default_rng(3))
    assert learning.plan(second, RNG).pairs != plain.plan(second, RNG).pairs
    assert "relearnt score" in learning.plan(second, RNG).pairs[0].reason
    blind = PlanState(replace(graph, embeddings=None), constraints, 2, first)
    assert learning.plan(blind, RNG) == plain.plan(blind, RNG)


@pytest.mark.parametrize(
    "parameters", [{"eps": 0.0}, {"eps": 1.5}, {"min_samples": 0}, {"confidence_pairs": 0}]
)
def test_parameters_out_of_range_are_refused(parameters: dict[str, float]) -> None:
    with pytest.raises(InvalidInputError, match=next(iter(parameters))):
        ConfSpal(**parameters)  # type: ignore[arg-type]  # the keys are the fields of the class
