"""Hits and average precision of each query, from the ranks of the other detections of its animal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spotted.arrays import BoolArray, Float64Array, IntArray
from spotted.evaluation.ranks import PairRanks
from spotted.evaluation.ties import TieGroups, expected_average_precision, expected_hits

# hits are measured down to this rank
DEPTH = 50


@dataclass(frozen=True, slots=True)
class RelevantPairs:
    """Pairs of one individual or one encounter, ordered by query, then candidate; never in one image.

    Each query has at least one pair of one individual.
    """

    query: IntArray
    """(m,) rows of the queries."""
    candidate: IntArray
    """(m,) rows of the candidates."""
    same: BoolArray
    """(m,) whether both show one known individual."""
    together: BoolArray
    """(m,) whether both belong to one encounter."""


@dataclass(frozen=True, slots=True)
class QueryMetrics:
    """Metrics of each query with a right candidate, averaged over all orders of equal candidates.

    >>> ranks = PairRanks(np.array([0, 1]), np.array([1, 0]), above=np.array([0, 2]), tied=np.array([1, 1]))
    >>> right = np.array([True, True])
    >>> metrics = measure_queries(ranks, right, ~right, depth=3)
    >>> metrics.hits.tolist(), metrics.precision.round(2).tolist()
    ([[1.0, 1.0, 1.0], [0.0, 0.0, 1.0]], [1.0, 0.33])
    """

    query: IntArray
    """(q,) rows of the queries."""
    hits: Float64Array
    """(q, depth) chance that a right candidate is among the k best, k = 1, 2, ..."""
    precision: Float64Array
    """(q,) average precision of the whole ranking."""

    def at(self, ks: Sequence[int]) -> Float64Array:
        """The hits at each k, then the average precision: (q, len(ks) + 1)."""
        return np.column_stack([self.hits[:, [k - 1 for k in ks]], self.precision])


def find_relevant_pairs(
    individuals: Sequence[str], encounters: Sequence[str], image: IntArray
) -> RelevantPairs:
    """The pairs of one individual, and the pairs of one encounter of the same queries.

    individuals, encounters: (n,), "" if unknown, which pairs with nothing.
    image: (n,), -1 if unknown.

    >>> pairs = find_relevant_pairs(["Asha", "Asha", "Tau"], ["e1", "e2", "e1"], np.array([-1, -1, -1]))
    >>> list(zip(pairs.query.tolist(), pairs.candidate.tolist(), pairs.same.tolist()))
    [(0, 1, True), (0, 2, False), (1, 0, True)]
    """
    same, together = _pairs(individuals), _pairs(encounters)
    count = len(individuals)
    keys = np.union1d(same, together)
    query, candidate = np.divmod(keys, max(count, 1))
    apart = (image[query] < 0) | (image[query] != image[candidate])
    right = np.isin(keys, same) & apart
    asks = np.zeros(count, dtype=np.bool_)
    asks[query[right]] = True
    relevant = apart & asks[query]
    return RelevantPairs(
        query[relevant], candidate[relevant], right[relevant], np.isin(keys[relevant], together)
    )


def measure_queries(
    ranks: PairRanks, right: BoolArray, left_out: BoolArray, *, depth: int = DEPTH
) -> QueryMetrics:
    """Metrics of each query when some candidates are right and others are removed from its ranking.

    right, left_out: (m,) of the ranked pairs, never both; all other candidates are wrong.
    depth: lowest rank for hits.
    """
    groups, rows = _groups(ranks, right, left_out)
    return QueryMetrics(rows, expected_hits(groups, depth), expected_average_precision(groups))


def _pairs(words: Sequence[str]) -> IntArray:
    """All ordered pairs of rows with equal words other than "", as first * n + second, ascending."""
    known = np.flatnonzero([bool(word) for word in words])
    named = np.array([words[row] for row in known.tolist()], dtype=object)
    _, code, sizes = np.unique(named, return_inverse=True, return_counts=True)
    partners = sizes[code]
    first = np.repeat(np.arange(len(known)), partners)
    within = np.arange(len(first)) - np.repeat(np.cumsum(partners) - partners, partners)
    starts = np.cumsum(sizes) - sizes
    second = np.argsort(code, kind="stable")[starts[code[first]] + within]
    pairs: IntArray = (known[first] * len(words) + known[second])[first != second]
    return pairs


def _groups(ranks: PairRanks, right: BoolArray, left_out: BoolArray) -> tuple[TieGroups, IntArray]:
    """The groups of equal candidates without those left out, and the row of each query."""
    counts = right | left_out
    query, above, tied = ranks.query[counts], ranks.above[counts], ranks.tied[counts]
    # both fit 31 bits: a gallery has fewer rows
    keys, first, group = np.unique(query << 32 | above, return_index=True, return_inverse=True)
    hits = np.bincount(group, right[counts], len(keys)).astype(np.int64)
    gone = np.bincount(group, left_out[counts], len(keys)).astype(np.int64)
    query, above, tied = query[first], above[first], tied[first]
    before = np.cumsum(gone) - gone
    # restarted at the first group of each query
    begins = np.diff(query, prepend=-1) > 0
    before -= before[np.maximum.accumulate(np.where(begins, np.arange(len(query)), 0))]
    found = hits > 0
    rows, index = np.unique(query[found], return_inverse=True)
    groups = TieGroups(len(rows), index, (above - before)[found], (tied - gone)[found], hits[found])
    return groups, rows
