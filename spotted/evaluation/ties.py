"""What a ranking with ties is worth on average over all orders of equal candidates (ours), in closed form.

Location alone gives thousands of equal scores. Any order of them, by id or by row, is luck that a figure
should not depend on, so each is the mean over all orders. Without ties these are the usual figures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spotted.arrays import Float64Array, IntArray


@dataclass(frozen=True, slots=True)
class TieGroups:
    """The groups of equal candidates that hold right ones, ordered by query, then best first.

    queries: number of queries; each has a group. query: (m,) from 0 on, whose group it is.
    above: (m,) candidates that score more. tied: (m,) candidates of the group. right: (m,) right ones in it,
    at least 1.
    """

    queries: int
    query: IntArray
    above: IntArray
    tied: IntArray
    right: IntArray

    def first(self) -> IntArray:
        """The place of each query's best group, (queries,)."""
        return np.searchsorted(self.query, np.arange(self.queries))


def expected_hits(groups: TieGroups, depth: int) -> Float64Array:
    """Chance that a right candidate is among the k best, for k = 1 to depth: (queries, depth).

    All right ones of the best group are missed while it is dealt out card by card: the product of
    (tied - right - i) / (tied - i).
    """
    best = groups.first()
    above, tied, right = (column[best] for column in (groups.above, groups.tied, groups.right))
    missed = np.ones(groups.queries)
    hits = np.empty((groups.queries, depth))
    for place in range(depth):
        dealt = place - above
        inside = (dealt >= 0) & (dealt < tied)
        left = np.where(inside, tied - dealt, 1)
        missed *= np.where(inside, np.maximum(left - right, 0) / left, 1.0)
        hits[:, place] = 1.0 - missed
    return hits


def expected_average_precision(groups: TieGroups) -> Float64Array:
    """Average precision of each query's ranking, its mean over all orders of equal candidates, (queries,).

    Place j of a group with a above, m tied, r right holds a right one with chance r / m; then all right ones
    above it and (j - 1)(r - 1) / (m - 1) of its own group come before (McSherry & Najork 2008, eq. 9). The
    sums over j of 1 / (a + j) and of (j - 1) / (a + j) are differences of harmonic numbers.
    """
    above, tied, right = groups.above, groups.tied, groups.right
    harmonic = _harmonic_numbers(int((above + tied).max(initial=0)))
    inverse = harmonic[above + tied] - harmonic[above]
    before = np.cumsum(right) - right
    before -= before[groups.first()][groups.query]
    # of a group of one nobody comes before
    companions = (right - 1) / np.maximum(tied - 1, 1)
    precision = right / tied * ((before + 1) * inverse + companions * (tied - (above + 1) * inverse))
    found = np.bincount(groups.query, right, groups.queries)
    return np.asarray(np.bincount(groups.query, precision, groups.queries) / found)


def _harmonic_numbers(count: int) -> Float64Array:
    """0, 1, 1 + 1/2, ... up to the sum of count terms."""
    return np.concatenate([[0.0], np.cumsum(1.0 / np.arange(1, count + 1))])
