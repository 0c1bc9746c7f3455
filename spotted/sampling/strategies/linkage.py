"""Mean linkage: ask about the two groups whose images are most alike on average.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spotted.arrays import IntArray
from spotted.errors import InvalidInputError
from spotted.facts.pair_rows import pair_keys
from spotted.sampling.candidate_graph import CandidateGraph, open_rows
from spotted.sampling.rounds import PlanState, Round, queries
from spotted.sampling.strategies.ranked import highest

# sums by key are laid out densely if that takes at most this many entries for each pair of the graph
DENSE = 8


@dataclass(frozen=True, slots=True)
class MeanLinkage:
    """The open pair of components with the highest mean fused score, by its most alike open image pair.

    The mean is over all candidate image pairs between the two components, those that could not be compared
    included. A round ends before the first pair that shares a component with an earlier one: a merge moves
    only the means of its own components, and never above the higher of the two, so that a round asks the
    pairs that planning again after every answer would ask, unless means tie.

    >>> from spotted.constraints import Closure
    >>> from spotted.sampling import from_candidates
    >>> score = np.array([0.9, 0.4, 0.7])
    >>> pairs = np.array([0, 0, 2]), np.array([1, 2, 3])
    >>> graph = from_candidates(4, *pairs, visual=score, feasibility=score, fused=score)
    >>> planned = MeanLinkage().plan(PlanState(graph, Closure(4), 1), np.random.default_rng(0))
    >>> [(query.first, query.second) for query in planned.pairs]
    [(0, 1), (2, 3)]
    """

    round_size: int = 200
    """Most pairs in a round."""

    def __post_init__(self) -> None:
        if self.round_size < 1:
            raise InvalidInputError(f"round_size {self.round_size} is below 1", field="round_size")

    def plan(self, state: PlanState, rng: np.random.Generator) -> Round:  # noqa: ARG002 - part of Strategy
        """The longest run of component pairs, best mean first, of which no two share a component."""
        best = _best_rows(state, self.round_size)
        reason = "most alike pair of the two groups most alike on average, fused score {score}"
        return Round(state.number, "linkage", queries(state.graph, best, state.graph.fused, reason))


def _best_rows(state: PlanState, count: int) -> IntArray:
    """The rows to ask, one for each component pair, best mean first."""
    graph = state.graph
    named, component = np.unique(state.constraints.component_ids(), return_inverse=True)
    key = _small_keys(graph, component, len(named))
    is_open = open_rows(graph, state.constraints, state.excluding)
    counted = np.bincount(key)
    mean = np.bincount(key, graph.fused) / np.maximum(counted, 1)
    open_keys = np.zeros(len(mean), dtype=np.bool_)
    open_keys[key[is_open]] = True
    best = highest(mean, open_keys, count)
    rank = np.full(len(mean), len(best), dtype=np.int64)
    rank[best] = np.arange(len(best))
    rows = np.flatnonzero(is_open & (rank[key] < len(best)))
    # the most alike row of each chosen key, ties by row
    rows = rows[np.lexsort((rows, -graph.fused[rows], rank[key[rows]]))]
    rows = rows[np.unique(rank[key[rows]], return_index=True)[1]]
    return rows[: _disjoint(component[graph.first[rows]], component[graph.second[rows]])]


def _small_keys(graph: CandidateGraph, component: IntArray, components: int) -> IntArray:
    """(m,) one small integer per pair of components, ascending by the lower, then the higher."""
    keys = pair_keys(components, component[graph.first], component[graph.second])
    if components**2 <= DENSE * len(keys):
        return keys
    return np.unique(keys, return_inverse=True)[1].astype(np.int64)


def _disjoint(first: IntArray, second: IntArray) -> int:
    """Number of these component pairs before the first that shares a component with an earlier pair."""
    seen: set[int] = set()
    for length, pair in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        if not seen.isdisjoint(pair):
            return length
        seen.update(pair)
    return len(first)
