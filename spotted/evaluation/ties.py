"""Metrics of rankings with ties, averaged over all orders of equal candidates, in closed form.

Location scores have thousands of ties. Any order of them, by id or by row, is luck that a metric should not
depend on, so each metric is the mean over all orders. Without ties these are the usual metrics.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spotted.arrays import Float64Array, IntArray


@dataclass(frozen=True, slots=True)
class TieGroups:
    """The groups of equal candidates that contain a right one, ordered by query, then best first.

    >>> groups = TieGroups(1, np.array([0]), np.array([1]), np.array([2]), np.array([1]))
    >>> expected_hits(groups, 3).tolist()  # one better candidate, then two tied, one of them right
    [[0.0, 0.5, 1.0]]
    """

    queries: int
    """Number of queries; each has a group."""
    query: IntArray
    """(m,) query of each group, from 0."""
    above: IntArray
    """(m,) candidates that score more."""
    tied: IntArray
    """(m,) candidates in the group."""
    right: IntArray
    """(m,) right candidates in the group, at least 1."""

    def first(self) -> IntArray:
        """(queries,) index of the best group of each query."""
        return np.searchsorted(self.query, np.arange(self.queries))


def expected_hits(groups: TieGroups, depth: int) -> Float64Array:
    """Chance that a right candidate is among the k best, for k = 1 to depth: (queries, depth).

    The chance that i + 1 candidates drawn from the best group contain no right one is the product of
    (tied - right - i) / (tied - i).
    """
    best = groups.first()
    above, tied, right = (column[best] for column in (groups.above, groups.tied, groups.right))
    missed = np.ones(groups.queries)
    hits = np.empty((groups.queries, depth))
    for index in range(depth):
        drawn = index - above
        inside = (drawn >= 0) & (drawn < tied)
        left = np.where(inside, tied - drawn, 1)
        missed *= np.where(inside, np.maximum(left - right, 0) / left, 1.0)
        hits[:, index] = 1.0 - missed
    return hits


def expected_average_precision(groups: TieGroups) -> Float64Array:
    """(queries,) average precision of each query, averaged over all orders of equal candidates.

    Position j of a group with a above, m tied, r right is a right one with chance r / m; before it come all
    right ones above the group and (j - 1)(r - 1) / (m - 1) of its own (McSherry & Najork 2008, eq. 9). The
    sums over j of 1 / (a + j) and of (j - 1) / (a + j) are differences of harmonic numbers.
    """
    above, tied, right = groups.above, groups.tied, groups.right
    harmonic = _harmonic_numbers(int((above + tied).max(initial=0)))
    inverse = harmonic[above + tied] - harmonic[above]
    before = np.cumsum(right) - right
    before -= before[groups.first()][groups.query]
    # in a group of one nothing comes before
    companions = (right - 1) / np.maximum(tied - 1, 1)
    precision = right / tied * ((before + 1) * inverse + companions * (tied - (above + 1) * inverse))
    found = np.bincount(groups.query, right, groups.queries)
    return np.asarray(np.bincount(groups.query, precision, groups.queries) / found)


def _harmonic_numbers(count: int) -> Float64Array:
    """0, 1, 1 + 1/2, ... up to the sum of count terms."""
    return np.concatenate([[0.0], np.cumsum(1.0 / np.arange(1, count + 1))])
