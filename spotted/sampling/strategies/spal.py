"""Support-pair active learning: ask about the borders of clusters (SPAL; ConfSPAL of Spotted section 4).

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from spotted.arrays import BoolArray, Float32Array, IntArray
from spotted.errors import InvalidInputError
from spotted.sampling.candidate_graph import CandidateGraph, open_rows
from spotted.sampling.rounds import PairQuery, PlanState, Round, queries
from spotted.sampling.strategies.clustering import NOISE, choose_eps, constrained_dbscan
from spotted.sampling.strategies.head_training import HeadTraining
from spotted.sampling.strategies.ranked import highest

INSIDE = "least alike pair inside one group"
BETWEEN = "most alike pair between two groups"
CONFIDENT = "groups are stable: most alike pair still open"


@dataclass(frozen=True, slots=True)
class Spal:
    """The least alike pair inside every cluster and the most alike pair out of it, each round (SPAL).

    A pair is asked only if its answer is open, so that the strategy runs dry once the borders of the
    clusters are settled; it then has no more questions, though positives may be left.

    One pair out of each cluster is what SPAL codes. One for every two clusters, as Spotted words it, needed
    1.3 to 6 times as many questions on two generated surveys; clusters on 1 - visual, or on SPAL's Jaccard
    distance re-ranked by neighbours, needed as many within 4 %.

    >>> from spotted.constraints import Closure
    >>> from spotted.sampling.strategies.conformance import small_survey
    >>> graph, _ = small_survey(seed=0)
    >>> planned = Spal(eps=0.5).plan(PlanState(graph, Closure(graph.n), 1), np.random.default_rng(0))
    >>> planned.kind, planned.pairs[0].reason.split(",")[0]
    ('clusters', 'most alike pair between two groups')
    """

    eps: float | None = None
    """Cluster radius on 1 - fused (paper: by grid); None chooses it by `choose_eps` at the first round."""
    min_samples: int = 2
    """Neighbours within eps, itself included, that make a core item."""
    largest_cluster: int = 30
    """Most items of a cluster that `choose_eps` allows (paper: a few tens)."""
    retrain: bool = True
    """Relearn the scores before every round but the first (paper), if the graph has embeddings."""
    head: HeadTraining = field(default_factory=HeadTraining)
    """How the scores are relearnt."""

    def __post_init__(self) -> None:
        if self.eps is not None and not 0.0 < self.eps < 1.0:
            raise InvalidInputError(f"eps {self.eps} is not between 0 and 1", field="eps")
        if self.min_samples < 1:
            raise InvalidInputError(f"min_samples {self.min_samples} is below 1", field="min_samples")

    def plan(self, state: PlanState, rng: np.random.Generator) -> Round:
        """The open pairs on the borders of the clusters, most alike first; none once they are settled."""
        borders = self._borders(state, rng)
        return Round(state.number, "clusters", borders.queries(), borders.eps)

    def _borders(self, state: PlanState, rng: np.random.Generator) -> _Borders:
        eps = self._eps(state)
        graph, constraints = state.graph, state.constraints
        clusters = constrained_dbscan(graph, constraints, eps=eps, min_samples=self.min_samples)
        learns = self.retrain and graph.embeddings is not None and state.previous is not None
        if learns:
            from spotted.sampling.strategies.spal_head import retrained  # noqa: PLC0415 - torch is needed only here

            graph = retrained(graph, constraints, clusters, self.head, rng)
            clusters = constrained_dbscan(graph, constraints, eps=eps, min_samples=self.min_samples)
        is_open = open_rows(graph, constraints, state.excluding)
        return _Borders(graph, clusters, is_open, eps, "relearnt score" if learns else "fused score")

    def _eps(self, state: PlanState) -> float:
        if self.eps is not None:
            return self.eps
        if state.previous is not None and state.previous.eps is not None:
            return state.previous.eps
        return choose_eps(
            state.graph, state.constraints, largest=self.largest_cluster, min_samples=self.min_samples
        )


@dataclass(frozen=True, slots=True)
class ConfSpal(Spal):
    """SPAL, and the most alike open pairs whenever the borders of the clusters are stable (Spotted).

    >>> from spotted.constraints import Closure
    >>> from spotted.sampling.strategies.conformance import small_survey
    >>> graph, _ = small_survey(seed=0)
    >>> state = PlanState(graph, Closure(graph.n), 1)
    >>> ConfSpal(eps=0.01).plan(state, np.random.default_rng(0)).kind  # hardly any cluster
    'confidence'
    """

    dry_below: int = 5
    """A round with fewer open border pairs than this is dry (paper: "few")."""
    confidence_pairs: int = 50
    """Number of the best open pairs that a dry round asks as well."""

    def __post_init__(self) -> None:
        Spal.__post_init__(self)
        if self.confidence_pairs < 1:
            raise InvalidInputError(
                f"confidence_pairs {self.confidence_pairs} is below 1", field="confidence_pairs"
            )

    def plan(self, state: PlanState, rng: np.random.Generator) -> Round:
        """The border pairs, topped up with the most alike open pairs if they are few."""
        borders = self._borders(state, rng)
        asked = borders.queries()
        if len(asked) >= self.dry_below:
            return Round(state.number, "clusters", asked, borders.eps)
        confident = borders.confident_queries(self.confidence_pairs)
        return Round(state.number, "confidence", asked + confident, borders.eps)


@dataclass(frozen=True, slots=True)
class _Borders:
    """Clusters over a graph, a mask of its open rows, and a name for its scores."""

    graph: CandidateGraph
    clusters: IntArray
    is_open: BoolArray
    eps: float
    score_name: str

    def queries(self) -> tuple[PairQuery, ...]:
        """Open pairs between clusters, then those inside, each most alike first."""
        between, inside = (rows[self.is_open[rows]] for rows in border_rows(self.graph, self.clusters))
        return self._queries_of(between, BETWEEN) + self._queries_of(inside, INSIDE)

    def confident_queries(self, count: int) -> tuple[PairQuery, ...]:
        """The most alike open pairs."""
        return self._queries_of(highest(self.graph.fused, self.is_open, count), CONFIDENT)

    def _queries_of(self, rows: IntArray, reason: str) -> tuple[PairQuery, ...]:
        return queries(self.graph, rows, self.graph.fused, f"{reason}, {self.score_name} {{score}}")


def border_rows(graph: CandidateGraph, clusters: IntArray) -> tuple[IntArray, IntArray]:
    """The rows of the graph that test the borders of its clusters, open or not.

    Returns the most alike pair from each cluster to any item outside, noise included, descending, and
    the least alike pair inside each cluster, descending. Only candidate pairs count, ties by row.
    """
    first, second = clusters[graph.first], clusters[graph.second]
    inside = np.flatnonzero((first == second) & (first != NOISE))
    crossing = np.flatnonzero(first != second)
    groups = np.stack((first[crossing], second[crossing]), axis=1).ravel()
    crossing = np.repeat(crossing, 2)
    between = np.unique(_best_per_group(groups, crossing, -graph.fused[crossing]))
    farthest = _best_per_group(first[inside], inside, graph.fused[inside])
    return _descending(graph, between), _descending(graph, farthest)


def _best_per_group(groups: IntArray, rows: IntArray, cost: Float32Array) -> IntArray:
    """The row of lowest cost of every group but NOISE, ties by row; rows ascend."""
    # NOISE is -1, the last index
    least = np.full(groups.max(initial=NOISE) + 2, np.inf, dtype=np.float32)
    np.minimum.at(least, groups, cost)
    ties = np.flatnonzero(cost == least[groups])[::-1]
    best = np.full(len(least), -1, dtype=np.int64)
    # among several values for one index the last stays, which is the lowest row
    best[groups[ties]] = rows[ties]
    return best[:-1][best[:-1] >= 0]


def _descending(graph: CandidateGraph, rows: IntArray) -> IntArray:
    return rows[np.lexsort((rows, -graph.fused[rows]))]
