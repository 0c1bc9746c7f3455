"""The score by which pairs are ranked: exactly, and within quick bounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spotted.arrays import Float32Array, FloatArray, IntArray
from spotted.calibration.evidence import Pairs, compared_sides
from spotted.calibration.model import Calibration, probability, probability_bounds
from spotted.errors import PreconditionError
from spotted.scoring.bounds import SHORTEST_GAP_S, fused_bounds
from spotted.scoring.feasibility import (
    FeasibilityParams,
    journey_feasibility,
    pair_feasibility,
    softened_journey,
)
from spotted.scoring.fusion import Fusion, fuse
from spotted.survey import DetectionTable, Extent

# below it a journey without time would not score 0 by its shortest gap alone
LEAST_QUICK_DECAY = 0.01


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

    def block(self, visual: Float32Array, rows: IntArray, columns: IntArray) -> Float32Array:
        """Fused scores (q, n) of rows and columns whose visual similarity is known about.

        Feasibility is computed in float32, within 1e-6 of `exact` and in a few passes, where no knob of
        `params` but a usual decay is on; `visual` may be written over.
        """
        plain = self.params == FeasibilityParams(decay=self.params.decay)
        quick = plain and self.params.decay >= LEAST_QUICK_DECAY and self.extent.distance_m > 0
        if self.fusion is Fusion.VISUAL:
            return visual
        if self.fusion is Fusion.CALIBRATED or not quick:
            return self.exact(visual, rows[:, None], columns[None, :])[1]
        possible = self._quick_feasibility(rows, columns)
        unknown = np.isnan(possible)
        if self.fusion is Fusion.LOCATION:
            possible[unknown] = 0.0
            return possible
        np.copyto(possible, np.float32(1.0), where=unknown)
        return np.multiply(visual, possible, out=visual)

    def _quick_feasibility(self, rows: IntArray, columns: IntArray) -> Float32Array:
        position = self.table.position_m @ np.array([1.0, 1.0j])
        places, place = np.unique(position[rows], return_inverse=True)
        rate = self.params.decay * self.extent.span_s / self.extent.distance_m
        with np.errstate(over="ignore"):
            slowness = (np.abs(places[:, None] - position[None, columns]) * -rate).astype(np.float32)
        gap = np.subtract.outer(self.table.time_s[rows], self.table.time_s[columns]).astype(np.float32)
        np.abs(gap, out=gap)
        # no distance over no gap is feasible, any distance over none is not
        np.maximum(gap, SHORTEST_GAP_S, out=gap)
        score: Float32Array = slowness.take(place, axis=0)
        np.divide(score, gap, out=score)
        np.exp(score, out=score)
        return score

    def evidence(self, visual: FloatArray, rows: IntArray, columns: IntArray) -> Pairs:
        """What speaks for one animal in pairs, of the shape of `visual`; distance and gap are softened."""
        distance, gap = softened_journey(self.table, rows, columns, self.params)
        possible = journey_feasibility(distance, gap, self.extent, self.params)
        sides = compared_sides(self.table.side[rows], self.table.side[columns])
        return Pairs(visual, possible, distance, gap, sides)
