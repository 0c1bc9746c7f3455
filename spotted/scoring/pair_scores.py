"""The score by which pairs are ranked, exact or within quick bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from spotted.arrays import Float32Array, FloatArray, IntArray
from spotted.calibration.evidence import PairEvidence, compare_sides
from spotted.calibration.looks import count_marks
from spotted.calibration.model import Calibration, probability, probability_bounds
from spotted.errors import PreconditionError
from spotted.scoring import geometry
from spotted.scoring.bounds import SHORTEST_GAP_S, fused_bounds
from spotted.scoring.feasibility import (
    FeasibilityParams,
    journey_feasibility,
    pair_feasibility,
    softened_journey,
)
from spotted.scoring.fusion import Fusion, fuse
from spotted.scoring.local_pairs import LocalPairs
from spotted.survey import DetectionTable, Extent

# with a lower decay, a journey over the shortest gap would not score 0
LEAST_QUICK_DECAY = 0.01
# pairs of a block whose feasibility is computed at once
PASSED = 65_536


@dataclass(frozen=True, slots=True)
class PairScores:
    """Scores of pairs, arrays of one shape.

    >>> scores = PairScores(np.float32([0.75, 0.5]), np.float32([0.5, np.nan]), np.float32([0.375, 0.5]))
    >>> scores.at(np.argsort(-scores.fused)).visual.tolist()
    [0.5, 0.75]
    """

    visual: Float32Array
    """In [0, 1]."""
    feasibility: Float32Array
    """In [0, 1], NaN if unknown."""
    fused: Float32Array
    """In [0, 1]."""

    def at(self, index: IntArray | slice | tuple[int, slice]) -> PairScores:
        """The scores of the pairs that an index selects."""
        return PairScores(self.visual[index], self.feasibility[index], self.fused[index])


@dataclass(frozen=True, slots=True)
class Scoring:
    """Scores pairs of detections, given as rows of a table.

    Raises PreconditionError for CALIBRATED without a calibration.

    >>> from spotted.survey import Camera, Detection, detection_table
    >>> cameras = {"CAM01": Camera("CAM01", 0.0, 0.0), "CAM02": Camera("CAM02", 3000.0, 4000.0)}
    >>> detections = [Detection("a", "CAM01", 0.0), Detection("b", "CAM02", 86_400.0)]
    >>> scoring = Scoring(
    ...     detection_table(detections, cameras), Extent(10_000.0, 864_000.0), FeasibilityParams()
    ... )
    >>> feasibility, fused = scoring.exact(np.float32([0.8]), np.array([0]), np.array([1]))
    >>> feasibility.round(4), fused.round(4)
    (array([0.0067], dtype=float32), array([0.0054], dtype=float32))
    """

    table: DetectionTable
    extent: Extent
    params: FeasibilityParams
    fusion: Fusion = Fusion.PRODUCT
    calibration: Calibration | None = None
    """Required by CALIBRATED."""
    local: LocalPairs | None = None
    """Local scores of matched pairs; None: every pair is unknown."""

    def __post_init__(self) -> None:
        if self.fusion is Fusion.CALIBRATED and self.calibration is None:
            raise PreconditionError("no calibration to score by; fit one, or use the product")

    def exact(
        self, visual: Float32Array, rows: IntArray, columns: IntArray
    ) -> tuple[Float32Array, Float32Array]:
        """Feasibility (NaN if unknown) and fused score of pairs whose visual similarity is exact."""
        if self.calibration is None or self.fusion is not Fusion.CALIBRATED:
            possible = pair_feasibility(self.table, rows, columns, self.extent, self.params)
            return possible, fuse(self.looks(visual, rows, columns), possible, self.fusion)
        calibration, pairs = self.calibration, self._unmatched(visual.astype(np.float64), rows, columns)
        (fused,) = self._with_known(pairs, rows, columns, lambda some: (probability(calibration, some),))
        return pairs.feasibility.astype(np.float32), fused

    def bounds(
        self, visual: Float32Array, error: float, rows: IntArray, columns: IntArray
    ) -> tuple[Float32Array, Float32Array]:
        """Bounds of the fused score of pairs whose visual similarity is known within `error`.

        Those of LOCAL hold for pairs that share no marks.
        """
        if self.calibration is None or self.fusion is not Fusion.CALIBRATED:
            possible = pair_feasibility(self.table, rows, columns, self.extent, self.params)
            return fused_bounds(visual, error, possible, self.fusion)
        calibration, pairs = self.calibration, self._unmatched(visual, rows, columns)
        least, most = self._with_known(
            pairs, rows, columns, lambda some: probability_bounds(calibration, some, error)
        )
        return least, most

    def block(self, visual: Float32Array, rows: IntArray, columns: IntArray) -> Float32Array:
        """Fused scores (q, n) of rows and columns whose visual similarity is known approximately.

        Overwrites `visual`. If `params` has only a usual decay, feasibility is computed in float32 by a few
        passes, within 1e-6 of `exact`.
        """
        plain = self.params == FeasibilityParams(decay=self.params.decay)
        quick = plain and self.params.decay >= LEAST_QUICK_DECAY and self.extent.distance_m > 0
        if self.fusion is Fusion.VISUAL:
            return visual
        if self.fusion is Fusion.CALIBRATED or not quick:
            return self.exact(visual, rows[:, None], columns[None, :])[1]
        looks = self.looks(visual, rows[:, None], columns[None, :])
        slowness, index = self._slowness_times_gap(rows, columns)
        # few enough rows at a time to stay in the cache for all passes
        step = max(1, PASSED // max(1, len(columns)))
        for start in range(0, len(rows), step):
            part = slice(start, start + step)
            possible = self._quick_feasibility(slowness, index[part], rows[part], columns)
            # NaN, an unknown score, is replaced by the other number
            if self.fusion is Fusion.LOCATION:
                np.fmax(possible, np.float32(0.0), out=looks[part])
            else:
                np.fmin(possible, np.float32(1.0), out=possible)
                np.multiply(looks[part], possible, out=looks[part])
        return looks

    def looks(self, visual: Float32Array, rows: IntArray, columns: IntArray) -> Float32Array:
        """Visual similarity of pairs, with matched marks if this fusion counts them."""
        if self.fusion is not Fusion.LOCAL or self.local is None:
            return visual
        index, local = self._shared(self.local, visual.shape, rows, columns)
        raised = visual.copy()
        raised[index] = count_marks(visual[index], local)
        return raised

    def _slowness_times_gap(self, rows: IntArray, columns: IntArray) -> tuple[Float32Array, IntArray]:
        """Minus rate * distance from each distinct position of the rows (u, n), and the index of each row."""
        position = self.table.position_m
        distinct, index = np.unique(position[rows] @ np.array([1.0, 1.0j]), return_inverse=True)
        rate = self.params.decay * self.extent.span_s / self.extent.distance_m
        x = np.subtract.outer(distinct.real, position[columns, 0])
        y = np.subtract.outer(distinct.imag, position[columns, 1])
        # three times as fast as np.hypot, and distances of cameras square without loss
        np.add(np.multiply(x, x, out=x), np.multiply(y, y, out=y), out=x)
        with np.errstate(over="ignore"):
            return np.multiply(np.sqrt(x, out=x), -rate, out=x).astype(np.float32), index

    def _quick_feasibility(
        self, slowness: Float32Array, index: IntArray, rows: IntArray, columns: IntArray
    ) -> Float32Array:
        gap = np.empty((len(rows), len(columns)), np.float32)
        times = self.table.time_s
        np.subtract(times[rows, None], times[None, columns], out=gap, casting="same_kind")
        np.abs(gap, out=gap)
        # with a gap of 0, a distance of 0 is feasible and any other is not
        np.maximum(gap, SHORTEST_GAP_S, out=gap)
        score: Float32Array = slowness.take(index, axis=0)
        np.divide(score, gap, out=score)
        np.exp(score, out=score)
        self._set_doubted(score, rows, columns)
        return score

    def _set_doubted(self, score: Float32Array, rows: IntArray, columns: IntArray) -> None:
        """Correct the feasibility (q, n) of the pairs whose gap is not believed, which are few."""
        outside = [geometry.time_outside(self.table, index, self.extent) for index in (rows, columns)]
        if any(one.any() for one in outside):
            i, j = np.nonzero(outside[0][:, None] | outside[1])
            score[i, j] = pair_feasibility(self.table, rows[i], columns[j], self.extent, self.params)

    def evidence(self, visual: FloatArray, rows: IntArray, columns: IntArray) -> PairEvidence:
        """The evidence of pairs, of the shape of `visual`; distance and gap are softened."""
        pairs = self._unmatched(visual, rows, columns)
        if self.local is None:
            return pairs
        return replace(pairs, local=self.local.shared_of(rows, columns).astype(visual.dtype))

    def _unmatched(self, visual: FloatArray, rows: IntArray, columns: IntArray) -> PairEvidence:
        """The evidence of pairs as if no marks had been compared."""
        distance, gap = softened_journey(self.table, rows, columns, self.params)
        # a calibration knows what looks say without a place and a time
        gap = np.where(geometry.gap_doubted(self.table, rows, columns, self.extent), np.nan, gap)
        possible = journey_feasibility(distance, gap, self.extent, self.params)
        sides = compare_sides(self.table.side[rows], self.table.side[columns])
        return PairEvidence(visual, possible, distance, gap, sides)

    def _with_known(
        self,
        pairs: PairEvidence,
        rows: IntArray,
        columns: IntArray,
        score: Callable[[PairEvidence], tuple[Float32Array, ...]],
    ) -> tuple[Float32Array, ...]:
        """Scores of pairs; those that share marks, which are few, are scored again with them."""
        scores = score(pairs)
        if self.local is None or self.calibration is None or not self.calibration.uses_marks:
            return scores
        index, local = self._shared(self.local, pairs.visual.shape, rows, columns)
        if len(local):
            known = replace(pairs.at(index), local=local.astype(pairs.visual.dtype))
            for all_scores, with_marks in zip(scores, score(known), strict=True):
                all_scores[index] = with_marks
        return scores

    @staticmethod
    def _shared(
        local: LocalPairs, shape: tuple[int, ...], rows: IntArray, columns: IntArray
    ) -> tuple[tuple[IntArray, ...], Float32Array]:
        """Indices and local scores of the pairs that share marks."""
        if rows.shape == (shape[0], 1) and columns.shape == (1, shape[-1]):
            row, column, scores = local.shared_in(rows[:, 0], columns[0])
            return (row, column), scores
        scores = np.broadcast_to(local.shared_of(rows, columns), shape)
        index = np.nonzero(~np.isnan(scores))
        return index, scores[index]
