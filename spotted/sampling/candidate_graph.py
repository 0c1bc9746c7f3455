"""The candidate graph: the pairs that a session may ask about, with their scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spotted.arrays import BoolArray, Float32Array, FloatArray, IntArray
from spotted.constraints.interface import Constraints
from spotted.errors import InvalidInputError
from spotted.facts.pair_rows import among, pair_keys
from spotted.survey import DetectionTable


@dataclass(frozen=True, slots=True)
class CandidateGraph:
    """Unordered pairs of the items 0..n-1 as columns, unique, ordered by (first, second).

    Raises InvalidInputError if columns differ in length, a pair is not in order, or a score is NaN.

    >>> from spotted.constraints import Answer, Closure, LabelledPair
    >>> score = np.float32([0.9, 0.4])
    >>> graph = CandidateGraph(3, np.array([0, 1]), np.array([1, 2]), score, score, score)
    >>> constraints = Closure(3)
    >>> constraints.apply(LabelledPair("a", 0, 1, Answer.SAME)).effect.name
    'MERGED'
    >>> open_rows(graph, constraints).tolist()
    [False, True]
    """

    n: int
    """Number of items."""
    first: IntArray
    """(m,) int64, the lower item of each pair."""
    second: IntArray
    """(m,) int64, the higher item of each pair."""
    visual: Float32Array
    """(m,) float32."""
    feasibility: Float32Array
    """(m,) float32, NaN if location or time is unknown."""
    fused: Float32Array
    """(m,) float32."""
    embeddings: Float32Array | None = None
    """(n, d) float32 unit rows; None if no strategy needs them."""
    table: DetectionTable | None = None
    """(n,) location, time, image and side of the items; None if no strategy needs them."""

    def __post_init__(self) -> None:
        columns = (self.first, self.second, self.visual, self.feasibility, self.fused)
        if len({len(column) for column in columns}) > 1:
            raise InvalidInputError(
                f"columns of lengths {[len(c) for c in columns]}; give one value per pair"
            )
        _require_pairs(self.n, self.first, self.second)
        if np.any(self.first >= self.second) or np.any(
            np.diff(pair_keys(self.n, self.first, self.second)) <= 0
        ):
            raise InvalidInputError("pairs are not unique and ordered; build the graph by from_candidates")
        if np.isnan(self.visual).any() or np.isnan(self.fused).any():
            raise InvalidInputError("a visual or fused score is NaN; only feasibility may be unknown")
        if self.embeddings is not None and len(self.embeddings) != self.n:
            raise InvalidInputError(
                f"{len(self.embeddings)} embeddings for {self.n} items; give one per item"
            )
        if self.table is not None and len(self.table) != self.n:
            raise InvalidInputError(
                f"a table of {len(self.table)} rows for {self.n} items; give one per item"
            )

    def __len__(self) -> int:
        return len(self.first)


def from_candidates(
    n: int,
    query: IntArray,
    candidate: IntArray,
    *,
    visual: FloatArray,
    feasibility: FloatArray,
    fused: FloatArray,
    embeddings: Float32Array | None = None,
    table: DetectionTable | None = None,
) -> CandidateGraph:
    """The graph of ranked candidate lists, laid end to end as columns of one length.

    A pair that is in both items' lists is kept once, with the scores of the lower query.

    >>> scores = np.array([0.9, 0.2, 0.9])
    >>> graph = from_candidates(
    ...     3, np.array([0, 0, 1]), np.array([1, 2, 0]), visual=scores, feasibility=scores, fused=scores
    ... )
    >>> len(graph), graph.first.tolist(), graph.second.tolist()
    (2, [0, 0], [1, 2])

    Raises InvalidInputError if an item is outside 0..n-1 or a candidate of itself.
    """
    query, candidate = np.asarray(query, dtype=np.int64), np.asarray(candidate, dtype=np.int64)
    _require_pairs(n, query, candidate)
    keys = pair_keys(n, query, candidate)
    order = np.lexsort((query, keys))
    order = order[np.unique(keys[order], return_index=True)[1]]
    return CandidateGraph(
        n=n,
        first=np.minimum(query, candidate)[order],
        second=np.maximum(query, candidate)[order],
        visual=np.asarray(visual, dtype=np.float32)[order],
        feasibility=np.asarray(feasibility, dtype=np.float32)[order],
        fused=np.asarray(fused, dtype=np.float32)[order],
        embeddings=embeddings,
        table=table,
    )


def implied_different(graph: CandidateGraph, constraints: Constraints) -> BoolArray:
    """(m,) True if the labels imply that the pair is two individuals."""
    component = constraints.component_ids()
    return constraints.separated_rows(component[graph.first], component[graph.second])


def implied_same(graph: CandidateGraph, constraints: Constraints) -> BoolArray:
    """(m,) True if the labels imply that the pair is one individual."""
    component = constraints.component_ids()
    same: BoolArray = component[graph.first] == component[graph.second]
    return same


def open_rows(
    graph: CandidateGraph, constraints: Constraints, excluding: frozenset[tuple[int, int]] = frozenset()
) -> BoolArray:
    """(m,) True if the answer to a pair is not known yet and the pair is not excluded.

    excluding: (lower item, higher item) of pairs that are on an annotator's screen or were skipped.
    """
    first, second, n = graph.first, graph.second, constraints.items
    refused = among(n, first, second, np.array(sorted(excluding), dtype=np.int64).reshape(-1, 2))
    component = constraints.component_ids()
    a, b = component[first], component[second]
    settled = (a == b) | constraints.separated_rows(a, b) | among(n, a, b, constraints.undecided())
    is_open: BoolArray = ~(refused | constraints.closed_rows(first, second) | settled)
    return is_open


def _require_pairs(n: int, first: IntArray, second: IntArray) -> None:
    if len(first) and (min(first.min(), second.min()) < 0 or max(first.max(), second.max()) >= n):
        raise InvalidInputError(f"a candidate pair names an item outside 0..{n - 1}; add the item first")
    if np.any(first == second):
        item = int(first[np.flatnonzero(first == second)[0]])
        raise InvalidInputError(f"item {item} is a candidate of itself; remove such rows")
