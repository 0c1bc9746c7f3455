"""Agreement of a partition of items with the true individuals, from their contingency table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spotted.arrays import IntArray
from spotted.counting import pairs_within
from spotted.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of a partition with the truth."""

    pair_precision: float
    """Share of the image pairs that it joins that are true; 1 if it joins none."""
    pair_recall: float
    """Share of the true image pairs that it joins; 1 if there are none."""
    b_cubed_precision: float
    """B-cubed precision: per item, then averaged (Bagga & Baldwin 1998)."""
    b_cubed_recall: float
    """B-cubed recall: per item, then averaged."""
    surplus: int
    """Individuals found minus true ones."""


def measure_agreement(found: IntArray, truth: IntArray) -> Agreement:
    """The agreement of a partition with the truth; found, truth: (n,) part and individual of each item.

    With n_ij items in part i of individual j: B-cubed precision is sum n_ij^2 / n_i / n, recall
    sum n_ij^2 / n_j / n. Raises InvalidInputError if the two differ in length or are empty.

    >>> agreement = measure_agreement(np.array([0, 0, 0, 1]), np.array([7, 7, 8, 8]))
    >>> round(agreement.pair_precision, 2), agreement.pair_recall, agreement.surplus
    (0.33, 0.5, 0)
    """
    if len(found) != len(truth) or not len(truth):
        raise InvalidInputError(f"{len(found)} parts for {len(truth)} individuals; give one of each per item")
    part, individual, both = _contingency(found, truth)
    parts, individuals = np.bincount(part, both), np.bincount(individual, both)
    joined, true, right = pairs_within(parts), pairs_within(individuals), pairs_within(both)
    return Agreement(
        pair_precision=right / joined if joined else 1.0,
        pair_recall=right / true if true else 1.0,
        b_cubed_precision=float((both**2 / parts[part]).sum() / len(truth)),
        b_cubed_recall=float((both**2 / individuals[individual]).sum() / len(truth)),
        surplus=len(parts) - len(individuals),
    )


def true_positives(found: IntArray, truth: IntArray) -> int:
    """Number of true image pairs that a partition joins."""
    return pairs_within(_contingency(found, truth)[2])


def _contingency(found: IntArray, truth: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """The cells that hold items: part and individual, each numbered from 0, and how many items."""
    part = np.unique(found, return_inverse=True)[1]
    named, individual = np.unique(truth, return_inverse=True)
    cells, sizes = np.unique(part * len(named) + individual, return_counts=True)
    return cells // len(named), cells % len(named), sizes
