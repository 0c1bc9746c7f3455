from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import pytest

from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.closure import Closure
from spotted.sampling.candidate_graph import open_rows
from spotted.sampling.rounds import PlanState, Round, Strategy, queries
from spotted.sampling.strategies.by_name import KINDS, strategy
from spotted.sampling.strategies.conformance import ITEMS, check_strategy, small_survey

Planner = Callable[[PlanState, np.random.Generator], Round]


# the strategy that trains a head for each round takes ten times as long as the others
@pytest.mark.parametrize(
    ("kind", "seed"), [*((kind, 0) for kind in KINDS), *((k, 1) for k in KINDS if k != "spal")]
)
def test_every_strategy_keeps_the_contract(kind: str, seed: int) -> None:
    check_strategy(partial(strategy, kind), seed=seed)


@dataclass
class Broken:
    """A strategy by a function, which may count its plans."""

    planner: Callable[[Broken, PlanState, np.random.Generator], Round]
    plans: int = field(default=0)

    def plan(self, state: PlanState, rng: np.random.Generator) -> Round:
        self.plans += 1
        return self.planner(self, state, rng)


def rows(state: PlanState, *, excluding: bool = True, implied: bool = False) -> Round:
    """All candidate pairs that may be asked, or all but those of one rule."""
    is_open = open_rows(state.graph, state.constraints, state.excluding if excluding else frozenset())
    chosen = np.flatnonzero(is_open | implied)
    return Round(state.number, "all", queries(state.graph, chosen, state.graph.fused, ""))


def mutating(_: Broken, state: PlanState, rng: np.random.Generator) -> Round:
    state.graph.fused[0] += rng.random()
    return rows(state)


def labelling(_: Broken, state: PlanState, rng: np.random.Generator) -> Round:
    planned = rows(state)
    state.constraints.apply(LabelledPair("x", 0, 1 + int(rng.integers(9)), Answer.NOT_COMPARABLE))
    return planned


def remembering(self: Broken, state: PlanState, _: np.random.Generator) -> Round:
    return replace(rows(state), pairs=rows(state).pairs[self.plans :])


def turned(_: Broken, state: PlanState, __: np.random.Generator) -> Round:
    pairs = tuple(query._replace(first=query.second, second=query.first) for query in rows(state).pairs)
    return replace(rows(state), pairs=pairs)


@pytest.mark.parametrize(
    ("planner", "rule"),
    [
        (mutating, "changes the graph"),
        (labelling, "or the constraints"),
        (remembering, "not a pure function"),
        (lambda _, state, __: replace(rows(state), number=7), "planned as round"),
        (turned, "lower item first"),
        (lambda _, state, __: rows(state, excluding=False), "an excluded pair"),
        (lambda _, state, __: rows(state, implied=True), "known, closed or pending|excluded|cannot be asked"),
    ],
)
def test_a_strategy_that_breaks_a_rule_is_refused_with_the_rule(planner: Planner, rule: str) -> None:
    def make() -> Strategy:
        return Broken(planner)  # type: ignore[arg-type] # a lambda's arguments are not annotated

    with pytest.raises(AssertionError, match=rule):
        check_strategy(make)


def test_a_strategy_that_asks_every_open_pair_keeps_the_contract() -> None:
    check_strategy(lambda: Broken(lambda _, state, __: rows(state)))


def test_the_survey_has_all_that_a_strategy_may_look_at() -> None:
    graph, truth = small_survey(0)
    assert len(graph) == ITEMS * (ITEMS - 1) // 2
    assert graph.embeddings is not None
    assert graph.table is not None
    assert np.isnan(graph.feasibility).any()
    assert len(truth) == Closure(ITEMS).items
