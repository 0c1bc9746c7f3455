"""Pairs drawn at random among those without an answer, which stand for pairs that nobody asked about.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import numpy as np

from spotted.arrays import IntArray

MOST_DRAWN = 5_000


def draw_background(
    count: int, known: IntArray, rng: np.random.Generator, *, most: int = MOST_DRAWN
) -> IntArray:
    """At most `most` pairs of `count` rows, (m, 2), each once, in order, without those known.

    known: (k, 2) pairs of rows.

    >>> known = np.array([[0, 1], [2, 0]])
    >>> draw_background(3, known, np.random.default_rng(0)).tolist()
    [[1, 2]]
    """
    if count < 2:  # noqa: PLR2004 - a pair
        return np.empty((0, 2), np.int64)
    total = count * (count - 1) // 2
    if total <= 4 * most:
        pairs = np.stack(np.triu_indices(count, 1), axis=1)
    else:
        ends = np.sort(rng.integers(0, count, (2 * most + len(known), 2)), axis=1)
        pairs = np.unique(ends[ends[:, 0] < ends[:, 1]], axis=0)
    asked = np.sort(known, axis=1) @ np.array([count, 1])
    pairs = pairs[~np.isin(pairs @ np.array([count, 1]), asked)]
    return pairs[np.sort(rng.permutation(len(pairs))[:most])]
