"""Counts of pairs of one individual, and the count that a share of a total comes to."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from spotted.arrays import IntArray

# a product such as 0.07 * 100 comes out above the whole number by a few units in its last place, at any size
ROUNDING = 1e-12


def pairs_within(sizes: Sequence[int] | IntArray) -> int:
    """Number of unordered pairs within groups of these sizes.

    >>> pairs_within([3, 2, 1])
    4
    """
    counts = np.asarray(sizes, dtype=np.int64)
    return int((counts * (counts - 1)).sum()) // 2


def same_pairs(individuals: Sequence[str] | IntArray) -> int:
    """Number of unordered pairs of items of one individual; items of an unknown one ("") are in no pair.

    >>> same_pairs(["leo", "leo", "", "mia", "leo", ""])
    3
    """
    counts = Counter(individuals if isinstance(individuals, Sequence) else individuals.tolist())
    return pairs_within([size for individual, size in counts.items() if individual != ""])


def count_of_share(share: float, total: int) -> int:
    """The fewest of `total` that make up at least this share of them.

    >>> [count_of_share(share, 100) for share in (0.0, 0.07, 0.071, 1.0)]
    [0, 7, 8, 100]
    """
    return math.ceil(share * total * (1.0 - ROUNDING))
