"""The mean of isotonic estimates, WildFusion's fusion of scores: a baseline for evaluations.

Each score is turned into a probability by the monotone step function that fits the labels best, and the
probabilities of the scores that are known are averaged. It knows neither sides nor gaps, and has no prior.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.optimize import isotonic_regression

from spotted.arrays import BoolArray, Float64Array, FloatArray
from spotted.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class IsotonicMean:
    """The mean probability of several scores.

    >>> visual, local = np.array([0.1, 0.4, 0.6, 0.9]), np.array([0.0, np.nan, 30.0, np.nan])
    >>> fusion = IsotonicMean.fit([visual, local], np.array([False, True, False, True]), np.ones(4))
    >>> fusion.probability([visual, local]).tolist()
    [0.0, 0.5, 0.25, 1.0]
    """

    steps: tuple[tuple[Float64Array, Float64Array], ...]
    """For each score: its values at the ends of steps, increasing, and the probability at each."""

    @classmethod
    def fit(cls, scores: Sequence[FloatArray], same: BoolArray, weights: Float64Array) -> Self:
        """Fit to labelled pairs. scores: (m,) each, NaN if unknown; same, weights: (m,).

        Raises InvalidInputError if a score is unknown for every pair.
        """
        return cls(tuple(_steps(score.astype(np.float64), same, weights) for score in scores))

    def probability(self, scores: Sequence[FloatArray]) -> Float64Array:
        """The mean over the known scores of each pair, (m,); NaN if none is known."""
        found = np.stack([np.interp(score, *steps) for score, steps in zip(scores, self.steps, strict=True)])
        known = ~np.isnan(found)
        total, count = np.where(known, found, 0.0).sum(axis=0), known.sum(axis=0)
        return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))


def _steps(score: Float64Array, same: BoolArray, weights: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Distinct values of a score, and the isotonic estimate at each: equal scores have one probability."""
    known = ~np.isnan(score)
    if not known.any():
        raise InvalidInputError("a score is unknown for every labelled pair; leave it out", field="scores")
    values, place = np.unique(score[known], return_inverse=True)
    mass = np.bincount(place, weights[known])
    share = np.bincount(place, weights[known] * same[known]) / mass
    return values, np.asarray(isotonic_regression(share, weights=mass).x, dtype=np.float64)
