"""Confidence intervals of means over queries, by a bootstrap over individuals.

Photographs of one animal are not independent, so animals are resampled, not queries.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spotted.arrays import Float64Array, IntArray

REPEATS, CONFIDENCE = 1000, 0.95
# resampling fewer says little about animals that were not seen
FEWEST_INDIVIDUALS = 5


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over queries with its CONFIDENCE interval, NaN below FEWEST_INDIVIDUALS animals.

    >>> two_animals = np.array([0, 0, 1, 1])
    >>> bootstrap = Bootstrap.of(two_animals, np.arange(4), np.random.default_rng(0))
    >>> bootstrap.intervals(np.arange(4), np.ones((4, 1)))
    [Interval(value=1.0, low=nan, high=nan)]
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Resamples of the animals of a survey, shared by all measurements so that differences are paired.

    >>> animal = np.array([0, 0, 1, 1, 2, 2, 3, 3, 4, 4])
    >>> queries = np.arange(10)
    >>> bootstrap = Bootstrap.of(animal, queries, np.random.default_rng(0))
    >>> found = np.array([1, 1, 1, 0, 1, 1, 0, 0, 1, 1], dtype=float)
    >>> (share,) = bootstrap.intervals(queries, found[:, None])
    >>> share.value, share.low < 0.7 < share.high
    (0.7, True)
    """

    animal: IntArray
    """(n,) number of the animal of each row, from 0."""
    drawn: Float64Array
    """(repeats, animals) how often each animal was drawn."""

    @classmethod
    def of(
        cls, animal: IntArray, queries: IntArray, rng: np.random.Generator, *, repeats: int = REPEATS
    ) -> Bootstrap:
        """Draw as many animals as the rows `queries` show, with replacement, `repeats` times."""
        count = int(animal.max(initial=-1)) + 1
        asked = np.unique(animal[queries])
        drawn = np.zeros((repeats, count))
        if len(asked):
            drawn[:, asked] = rng.multinomial(len(asked), np.full(len(asked), 1.0 / len(asked)), size=repeats)
        return cls(animal, drawn)

    def intervals(self, query: IntArray, values: Float64Array) -> list[Interval]:
        """The mean of each column of values (q, c), NaN without queries; query: (q,) rows."""
        if not len(query):
            return [Interval(np.nan, np.nan, np.nan)] * values.shape[1]
        animals, index = np.unique(self.animal[query], return_inverse=True)
        drawn = self.drawn[:, animals]
        # sums over each animal's queries, so that a resample is one product
        sums = np.stack([np.bincount(index, column) for column in values.T], axis=1)
        sizes = drawn @ np.bincount(index)
        means = values.mean(axis=0).tolist()
        if len(animals) < FEWEST_INDIVIDUALS or not sizes.any():
            return [Interval(mean, np.nan, np.nan) for mean in means]
        # a resample without any of these animals has no mean
        resampled = (drawn @ sums)[sizes > 0] / sizes[sizes > 0, None]
        tail = (1.0 - CONFIDENCE) / 2.0
        low, high = np.quantile(resampled, [tail, 1.0 - tail], axis=0).tolist()
        return [Interval(*one) for one in zip(means, low, high, strict=True)]
