"""How far a mean over queries may be off: the bootstrap over individuals (ours).

One photograph of an animal tells of its others, so animals are drawn, not queries.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spotted.arrays import Float64Array, IntArray

REPEATS, CONFIDENCE = 1000, 0.95
# resampling fewer tells little of those that were not seen
FEWEST_INDIVIDUALS = 5


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over queries and its CONFIDENCE interval, NaN with fewer than FEWEST_INDIVIDUALS animals."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Resamples of a survey's animals, the same for all that is measured, so that differences are paired.

    animal: (n,) number of each row's animal, from 0 on. drawn: (repeats, animals) how often each was drawn.
    """

    animal: IntArray
    drawn: Float64Array

    @classmethod
    def of(
        cls, animal: IntArray, asking: IntArray, rng: np.random.Generator, *, repeats: int = REPEATS
    ) -> Bootstrap:
        """Draw as many animals as there are among the rows `asking`, with replacement, `repeats` times."""
        count = int(animal.max(initial=-1)) + 1
        asked = np.unique(animal[asking])
        drawn = np.zeros((repeats, count))
        if len(asked):
            drawn[:, asked] = rng.multinomial(len(asked), np.full(len(asked), 1.0 / len(asked)), size=repeats)
        return cls(animal, drawn)

    def intervals(self, query: IntArray, values: Float64Array) -> list[Interval]:
        """The mean of each column of values (q, c), NaN without a query; query: (q,) rows."""
        if not len(query):
            return [Interval(np.nan, np.nan, np.nan)] * values.shape[1]
        animals, places = np.unique(self.animal[query], return_inverse=True)
        drawn = self.drawn[:, animals]
        # sums over each animal's queries, so that a resample is one product
        sums = np.stack([np.bincount(places, column) for column in values.T], axis=1)
        sizes = drawn @ np.bincount(places)
        means = values.mean(axis=0).tolist()
        if len(animals) < FEWEST_INDIVIDUALS or not sizes.any():
            return [Interval(mean, np.nan, np.nan) for mean in means]
        # a resample without any of these animals tells nothing of them
        resampled = (drawn @ sums)[sizes > 0] / sizes[sizes > 0, None]
        tail = (1.0 - CONFIDENCE) / 2.0
        low, high = np.quantile(resampled, [tail, 1.0 - tail], axis=0).tolist()
        return [Interval(*one) for one in zip(means, low, high, strict=True)]
