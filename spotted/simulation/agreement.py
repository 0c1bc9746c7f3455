"""How far a partition of items agrees with the true individuals, from their contingency table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spotted.arrays import IntArray
from spotted.counting import pairs_within
from spotted.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Agreement:
    """Shares in which a partition is right.

    pair_precision: of the image pairs that it joins, 1 where it joins none.
    pair_recall: of the true image pairs, 1 where there are none.
    b_cubed_precision, b_cubed_recall: per item, then averaged (Bagga & Baldwin 1998).
    surplus: individuals found minus true ones.
    """

    pair_precision: float
    pair_recall: float
    b_cubed_precision: float
    b_cubed_recall: float
    surplus: int


def measure_agreement(found: IntArray, truth: IntArray) -> Agreement:
    """How far a partition agrees with the truth; found, truth: (n,) part and individual of each item.

    With n_ij items in part i of individual j: B-cubed precision is sum n_ij^2 / n_i / n, recall
    sum n_ij^2 / n_j / n. Raises InvalidInputError where the two differ in length or are empty.
    """
    if len(found) != len(truth) or not len(truth):
        raise InvalidInputError(f"parts of {len(found)} items, individuals of {len(truth)}; give as many")
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
