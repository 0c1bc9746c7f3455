"""One-vs-all on a species with intervals by drawing animals, for all queries and for those of new animals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spotted.arrays import BoolArray, Float32Array, Float64Array, IntArray
from spotted.evaluation import TOP, Bootstrap, Interval, find_relevant_pairs, measure_queries, rank_pairs
from spotted.ranking.gallery import Gallery
from spotted.scoring.fusion import Fusion
from spotted.survey import Detection, Survey

PARTS = ("all", "seen", "new")
# photographs that a network learnt from, which are no part of the test
LEARNT = "learnt from"
SEED = 0


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Hits and average precision of each query."""

    query: IntArray
    """(q,) rows of the test."""
    values: Float64Array
    """(q, 5) whether the animal is among the best 1, 5, 10 and 20, then the average precision."""


@dataclass(frozen=True, slots=True)
class SpeciesTest:
    """The photographs of a species that no training saw."""

    classes: tuple[str, ...]
    """(n,) what is to be found again: an animal or its flank."""
    animals: tuple[str, ...]
    """(n,) drawn for the intervals."""
    new: BoolArray
    """(n,) whether training saw no photograph of the animal."""

    def outcomes(self, vectors: Float32Array) -> Outcomes:
        """Outcomes of unit vectors (n, d): each photograph against all others (MiewID 3.4)."""
        gallery = gallery_of(vectors, self.classes)
        pairs = find_relevant_pairs(self.classes, [""] * len(self.classes), gallery.table.image)
        ranks = rank_pairs(gallery, (pairs.query, pairs.candidate), [Fusion.VISUAL])[Fusion.VISUAL]
        found = measure_queries(ranks, pairs.same, pairs.together, depth=max(TOP))
        return Outcomes(found.query, found.at(TOP))

    def intervals(self, outcomes: Outcomes, part: str = "all") -> list[Interval]:
        """The mean of each value over the queries of a part: top-1, 5, 10, 20 and mAP."""
        chosen = self._chosen(outcomes, part)
        return self.bootstrap().intervals(outcomes.query[chosen], outcomes.values[chosen])

    def gains(self, outcomes: Outcomes, base: Outcomes, part: str = "all") -> list[Interval]:
        """The means of the differences of each query from another network."""
        chosen = self._chosen(outcomes, part)
        differences = outcomes.values[chosen] - base.values[chosen]
        return self.bootstrap().intervals(outcomes.query[chosen], differences)

    def counts(self, outcomes: Outcomes, part: str = "all") -> tuple[int, int]:
        """Queries and animals of a part."""
        rows = outcomes.query[self._chosen(outcomes, part)].tolist()
        return len(rows), len({self.animals[row] for row in rows})

    def _chosen(self, outcomes: Outcomes, part: str) -> BoolArray:
        new = self.new[outcomes.query]
        chosen: BoolArray = {"all": np.ones_like(new), "new": new, "seen": ~new}[part]
        return chosen

    def bootstrap(self) -> Bootstrap:
        """Draws of the animals, the same for all networks."""
        number = np.unique(np.array(self.animals, dtype=object), return_inverse=True)[1]
        everyone = np.arange(len(number))
        return Bootstrap.of(number, everyone, np.random.default_rng(SEED))


def gallery_of(vectors: Float32Array, classes: Sequence[str]) -> Gallery:
    """A gallery of vectors without places and times."""
    detections = [Detection(f"{row:06d}") for row in range(len(classes))]
    return Gallery.of(Survey("test", 0.0, 1.0), detections, vectors)
