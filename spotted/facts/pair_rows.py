"""Rows of unordered pairs, compared as one integer each."""

from __future__ import annotations

import numpy as np

from spotted.arrays import BoolArray, IntArray


def pair_keys(n: int, first: IntArray, second: IntArray) -> IntArray:
    """(m,) one integer per unordered pair of 0..n-1, ordered by the lower item, then the higher."""
    # n < 3e9 keeps the product within int64
    keys: IntArray = np.minimum(first, second) * n + np.maximum(first, second)
    return keys


def among(n: int, first: IntArray, second: IntArray, pairs: IntArray) -> BoolArray:
    """(m,) True if an unordered pair of 0..n-1 is one of pairs, (k, 2)."""
    if not len(pairs):
        return np.zeros(len(first), dtype=np.bool_)
    return np.isin(pair_keys(n, first, second), pair_keys(n, pairs[:, 0], pairs[:, 1]))
