"""Which rows compete with one another, and by which score."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spotted.arrays import BoolArray, IntArray
from spotted.ranking.products.product import Products
from spotted.scoring import geometry
from spotted.scoring.bounds import Journeys
from spotted.scoring.pair_scores import Scoring
from spotted.survey import DetectionTable

# which pairs of a query and a row may be candidates, for indices that broadcast against each other
Allowed = Callable[[IntArray, IntArray], BoolArray]

# values of the part of a block that is worked on at once, 512 KiB in float32: a core's own cache
PART = 131_072


def count_rivals(table: DetectionTable, queries: IntArray) -> IntArray:
    """Number of rows that compete for each query without further conditions, (q,).

    All rows compete but those of the query's own image.
    """
    image = table.image
    sharing = np.bincount(image[image >= 0], minlength=1)[np.maximum(image[queries], 0)]
    return len(table) - np.where(image[queries] >= 0, sharing, 1)


@dataclass(frozen=True, slots=True)
class Contest:
    """Which rows compete with one another, and by which score."""

    products: Products
    """All rows, ready to be multiplied."""
    journeys: Journeys
    """Between the rows of the scoring's table."""
    scoring: Scoring
    order: IntArray
    """(n,) rank of each row among rows of equal score."""
    allowed: Allowed | None
    """Further conditions; None for none."""

    @property
    def table(self) -> DetectionTable:
        """The rows that compete."""
        return self.scoring.table

    def competes(self, rows: IntArray, columns: IntArray) -> BoolArray:
        """Whether each pair competes, for indices that broadcast against each other."""
        apart = ~geometry.same_image(self.table, rows, columns)
        return apart if self.allowed is None else apart & self.allowed(rows, columns)

    def rival_counts(self, queries: IntArray) -> IntArray:
        """Number of rows that compete for each query, (q,)."""
        if self.allowed is None:
            return count_rivals(self.table, queries)
        step, everyone = max(1, PART // len(self.table)), np.arange(len(self.table))
        parts = [queries[i : i + step, None] for i in range(0, len(queries), step)]
        return np.concatenate([self.competes(part, everyone[None, :]).sum(axis=1) for part in parts])
