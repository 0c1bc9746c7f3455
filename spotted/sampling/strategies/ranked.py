"""Strategies without clusters: random order and descending score.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from spotted.arrays import BoolArray, FloatArray, IntArray
from spotted.errors import InvalidInputError
from spotted.sampling.candidate_graph import open_rows
from spotted.sampling.rounds import PlanState, Round, queries


@dataclass(frozen=True, slots=True)
class Random:
    """Open pairs in random order: the floor that every strategy has to beat (Spotted's baseline).

    >>> from spotted.constraints import Closure
    >>> from spotted.sampling.strategies.conformance import small_survey
    >>> graph, _ = small_survey(seed=0)
    >>> planned = Random(round_size=20).plan(PlanState(graph, Closure(graph.n), 1), np.random.default_rng(0))
    >>> len(planned.pairs), planned.kind
    (20, 'random')
    """

    round_size: int = 200
    """Most pairs in a round."""

    def __post_init__(self) -> None:
        _require_round_size(self.round_size)

    def plan(self, state: PlanState, rng: np.random.Generator) -> Round:
        """A uniform draw without repetition of open candidate pairs."""
        rows = np.flatnonzero(open_rows(state.graph, state.constraints, state.excluding))
        drawn = rng.permutation(rows)[: self.round_size]
        pairs = queries(state.graph, drawn, state.graph.fused, "drawn at random, fused score {score}")
        return Round(state.number, "random", pairs)


@dataclass(frozen=True, slots=True)
class Greedy:
    """The open pair with the highest score first (Spotted's baseline, TrapTagger's order).

    Scores do not change within a session, so that a round of the best open pairs, served without those
    that are implied by then, is the same as choosing the best open pair after every answer.

    >>> from spotted.constraints import Answer, Closure, LabelledPair
    >>> from spotted.sampling import RoundQueue, from_candidates
    >>> score = np.array([0.2, 0.9, 0.7])
    >>> graph = from_candidates(
    ...     3, np.array([0, 0, 1]), np.array([1, 2, 2]), visual=score, feasibility=score, fused=score
    ... )
    >>> queue = RoundQueue(Closure(3))
    >>> queue.start(queue.plan_next(Greedy(), graph, seed=0))
    >>> [(query.first, query.second, query.reason) for query in queue.next_open_pairs(1)]
    [(0, 2, 'most alike pair still open, fused score 0.90')]
    >>> queue.constraints.apply(LabelledPair("a", 0, 2, Answer.SAME)).effect.name
    'MERGED'
    >>> [(query.first, query.second) for query in queue.next_open_pairs(5)]
    [(1, 2)]
    """

    score: Literal["fused", "visual"] = "fused"
    """The column that is ranked."""
    round_size: int = 200
    """Most pairs in a round; it changes only the memory that a round takes."""

    def __post_init__(self) -> None:
        if self.score not in ("fused", "visual"):
            raise InvalidInputError(f"score {self.score!r} is not one of fused, visual", field="score")
        _require_round_size(self.round_size)

    def plan(self, state: PlanState, rng: np.random.Generator) -> Round:  # noqa: ARG002 - part of Strategy
        """The open candidate pairs with the highest scores; ties by the lower item, then the higher."""
        score = state.graph.fused if self.score == "fused" else state.graph.visual
        is_open = open_rows(state.graph, state.constraints, state.excluding)
        reason = f"most alike pair still open, {self.score} score {{score}}"
        best = highest(score, is_open, self.round_size)
        return Round(state.number, "greedy", queries(state.graph, best, score, reason))


def highest(score: FloatArray, mask: BoolArray, count: int) -> IntArray:
    """The `count` rows of the mask with the highest scores, descending, ties by row."""
    rows = np.flatnonzero(mask)
    if len(rows) > count:
        # keeps every row that ties with the last one, so that the row decides and not the partition
        least = np.partition(score[rows], len(rows) - count)[len(rows) - count]
        rows = rows[score[rows] >= least]
    return rows[np.argsort(-score[rows], kind="stable")][:count]


def _require_round_size(round_size: int) -> None:
    if round_size < 1:
        raise InvalidInputError(f"round_size {round_size} is below 1", field="round_size")
