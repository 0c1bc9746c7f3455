"""The score by which pairs are ranked: exactly, and within quick bounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spotted.bounds import fused_bounds
from spotted.calibration import Calibration, probability, probability_bounds
from spotted.errors import PreconditionError
from spotted.evidence import Pairs, compared_sides
from spotted.feasibility import FeasibilityParams, journey_feasibility, pair_feasibility, softened_journey
from spotted.fusion import Fusion, fuse
from spotted.survey import DetectionTable, Extent, Float32Array, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Scoring:
    """The score of pairs of detections, by their rows of a table.

    calibration: what CALIBRATED scores by. Raises PreconditionError where that is asked for without one.
    """

    table: DetectionTable
    extent: Extent
    params: FeasibilityParams
    fusion: Fusion = Fusion.PRODUCT
    calibration: Calibration | None = None

    def __post_init__(self) -> None:
        if self.fusion is Fusion.CALIBRATED and self.calibration is None:
            raise PreconditionError("there is no calibration to score by; fit one, or use the product")

    def exact(
        self, visual: Float32Array, rows: IntArray, columns: IntArray
    ) -> tuple[Float32Array, Float32Array]:
        """Feasibility (NaN where unknown) and fused score of pairs whose visual similarity is exact."""
        if self.calibration is None or self.fusion is not Fusion.CALIBRATED:
            possible = pair_feasibility(self.table, rows, columns, self.extent, self.params)
            return possible, fuse(visual, possible, self.fusion)
        pairs = self.evidence(visual.astype(np.float64), rows, columns)
        return pairs.feasibility.astype(np.float32), probability(self.calibration, pairs)

    def bounds(
        self, visual: Float32Array, error: float, rows: IntArray, columns: IntArray
    ) -> tuple[Float32Array, Float32Array]:
        """Bounds of the fused score of pairs whose visual similarity is known within `error`."""
        if self.calibration is None or self.fusion is not Fusion.CALIBRATED:
            possible = pair_feasibility(self.table, rows, columns, self.extent, self.params)
            return fused_bounds(visual, error, possible, self.fusion)
        return probability_bounds(self.calibration, self.evidence(visual, rows, columns), error)

    def evidence(self, visual: FloatArray, rows: IntArray, columns: IntArray) -> Pairs:
        """What speaks for one animal in pairs, of the shape of `visual`; distance and gap are softened."""
        distance, gap = softened_journey(self.table, rows, columns, self.params)
        possible = journey_feasibility(distance, gap, self.extent, self.params)
        sides = compared_sides(self.table.side[rows], self.table.side[columns])
        return Pairs(visual, possible, distance, gap, sides)
