"""Which parts of two crops make their vectors alike."""

from __future__ import annotations

from dataclasses import dataclass

from spotted.arrays import Float32Array
from spotted.client.values.surveys import EmbeddingSpec


@dataclass(frozen=True, slots=True)
class MatchedCells:
    """Two cells of the backbone's feature map that are each other's nearest; places are fractions of a grid.

    >>> MatchedCells(0.25, 0.75, 0.5, 0.5, share=0.03).share
    0.03
    """

    first_x: float
    """Centre in the first grid, from the left."""
    first_y: float
    """From the top."""
    second_x: float
    """Centre in the second grid, from the left."""
    second_y: float
    """From the top."""
    share: float
    """The part of the similarity that the two cells add."""


@dataclass(frozen=True, slots=True, eq=False)
class HeatMap:
    """The parts of the similarity of two vectors that the cells of their crops add.

    A grid covers the input of the backbone: the crop, upright.

    >>> import numpy as np
    >>> from spotted.client import Crop
    >>> from spotted.testing import fake_services
    >>> with fake_services() as spotted:
    ...     heat = spotted.heat_map(Crop("a", b"zebra"), Crop("b", b"zebra"))
    >>> heat.first.shape, round(float(heat.first.sum()), 3), round(heat.similarity, 3)
    ((2, 2), 1.0, 1.0)
    """

    similarity: float
    """The cosine of the two base embeddings."""
    first: Float32Array
    """(rows, columns) what each cell of the first crop adds; all of them add up to the similarity."""
    second: Float32Array
    """The same of the second crop."""
    matches: tuple[MatchedCells, ...]
    """Those of largest share first."""
    padded: bool
    """Whether a crop keeps its proportions in the middle of its square grid; if not, it fills the grid."""
    spec: EmbeddingSpec
    """How the vectors were made."""
