"""What became of each query: from where its animal's other detections stand to hits and precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spotted.arrays import BoolArray, Float64Array, IntArray
from spotted.evaluation.ranks import Standings
from spotted.evaluation.ties import TieGroups, expected_average_precision, expected_hits

# so many places of a ranking are looked at for whether an animal was found
DEPTH = 50


@dataclass(frozen=True, slots=True)
class Kin:
    """The pairs whose standing matters, ordered by query, then candidate; none share an image.

    query, candidate: (m,) rows. same: (m,) whether both show one known individual.
    together: (m,) whether both belong to one encounter. Each query has a pair that is the same.
    """

    query: IntArray
    candidate: IntArray
    same: BoolArray
    together: BoolArray


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Of each query that has a right candidate, equal candidates taken in all orders alike.

    query: (q,) rows. hits: (q, depth) chance that a right candidate is among the k best, k from 1 on.
    precision: (q,) average precision of the whole ranking.
    """

    query: IntArray
    hits: Float64Array
    precision: Float64Array

    def at(self, ks: Sequence[int]) -> Float64Array:
        """The chances at each k, then the average precision: (q, len(ks) + 1)."""
        return np.column_stack([self.hits[:, [k - 1 for k in ks]], self.precision])


def kin(individuals: Sequence[str], encounters: Sequence[str], image: IntArray) -> Kin:
    """The pairs of one individual, and those of one encounter with a query that has one of its individual.

    individuals, encounters: (n,), "" where unknown, which pairs with nothing. image: (n,), -1 where unknown.
    """
    same, together = _pairs(individuals), _pairs(encounters)
    count = len(individuals)
    keys = np.union1d(same, together)
    query, candidate = np.divmod(keys, max(count, 1))
    apart = (image[query] < 0) | (image[query] != image[candidate])
    right = np.isin(keys, same) & apart
    asks = np.zeros(count, dtype=np.bool_)
    asks[query[right]] = True
    kept = apart & asks[query]
    return Kin(query[kept], candidate[kept], right[kept], np.isin(keys[kept], together))


def score_outcomes(
    standings: Standings, right: BoolArray, left_out: BoolArray, *, depth: int = DEPTH
) -> Outcomes:
    """What becomes of each query when some candidates are right and others are taken out of its ranking.

    right, left_out: (m,) of the standings' pairs, never both; what is neither is a wrong candidate.
    depth: places of a ranking that are looked at.
    """
    groups, rows = _groups(standings, right, left_out)
    return Outcomes(rows, expected_hits(groups, depth), expected_average_precision(groups))


def _pairs(words: Sequence[str]) -> IntArray:
    """All ordered pairs of rows with an equal word but "", as first * n + second, ascending."""
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


def _groups(standings: Standings, right: BoolArray, left_out: BoolArray) -> tuple[TieGroups, IntArray]:
    """The groups of equal candidates without those left out, and the row of each query."""
    counts = right | left_out
    query, above, tied = standings.query[counts], standings.above[counts], standings.tied[counts]
    # both fit 31 bits: a gallery has fewer rows
    keys, first, group = np.unique(query << 32 | above, return_index=True, return_inverse=True)
    hits = np.bincount(group, right[counts], len(keys)).astype(np.int64)
    gone = np.bincount(group, left_out[counts], len(keys)).astype(np.int64)
    query, above, tied = query[first], above[first], tied[first]
    before = np.cumsum(gone) - gone
    # counted anew from each query's first group on
    begins = np.diff(query, prepend=-1) > 0
    before -= before[np.maximum.accumulate(np.where(begins, np.arange(len(query)), 0))]
    found = hits > 0
    rows, place = np.unique(query[found], return_inverse=True)
    groups = TieGroups(len(rows), place, (above - before)[found], (tied - gone)[found], hits[found])
    return groups, rows
