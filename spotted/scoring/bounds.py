"""Quick bounds of scores, to rule pairs out before their exact score is computed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spotted.arrays import BoolArray, Float32Array, Float64Array, IntArray
from spotted.scoring import geometry
from spotted.scoring.feasibility import FeasibilityParams
from spotted.scoring.fusion import Fusion, fuse
from spotted.survey import DetectionTable, Extent

ComplexArray = npt.NDArray[np.complex128]
# factor on the slowness of every journey; it outweighs all float32 roundings up to the exponential, down to
# the smallest number that float32 holds
SHORTENED = 127.0 / 128.0
# float32 exponentials are accurate to a few 2^-24
EXP_ERROR = np.float32(1.0 + 2.0**-20)
# keeps a distance of 0 over a gap of 0 from being NaN
SHORTEST_GAP_S = 1e-3


def fused_bounds(
    visual: Float32Array, error: float, possible: Float32Array, fusion: Fusion
) -> tuple[Float32Array, Float32Array]:
    """Bounds of the fused score of pairs whose visual score is known within `error` and feasibility exactly.

    Every fusion is monotone in both of its scores, so bounds of the scores give bounds of the fusion.
    """
    # stored vectors may be slightly longer than 1
    least = np.clip(visual - np.float32(error), np.float32(0.0), np.float32(1.0))
    return fuse(least, possible, fusion), fuse(visual_bound(visual, error), possible, fusion)


def visual_bound(visual: Float32Array, error: float) -> Float32Array:
    """Upper bound of the clipped cosine, from a product that is off by up to `error`."""
    # three times as fast as np.maximum
    bound = np.clip(visual, np.float32(0.0), np.float32(1.0))
    return np.add(bound, np.float32(error), out=bound)


@dataclass(frozen=True, slots=True)
class Departures:
    """Positions and times of the rows of a block."""

    position: ComplexArray
    """(u,) distinct positions, x + iy in metres."""
    uncertainty_m: Float64Array
    """(u,) the largest at each position."""
    index: IntArray
    """(q,) index into `position` for each row."""
    time_s: Float32Array
    """(q,) since the first capture."""
    doubted: IntArray
    """Indices of the rows whose time is not believed."""


@dataclass(frozen=True, slots=True)
class Journeys:
    """Upper bounds of feasibility (Spotted eq. 3) in float32, by a few passes over a block."""

    position: ComplexArray
    """(n,) x + iy in metres, NaN if unknown."""
    uncertainty_m: Float64Array
    """(n,) in metres."""
    time_s: Float32Array
    """(n,) since the first capture, NaN if unknown."""
    rate: float
    """Slowness is rate * distance / gap."""
    longer_gap_s: np.float32
    """How much longer a gap may be than the difference of `time_s`."""
    doubted: BoolArray
    """(n,) whether a time is not believed; `time_s` is then 0."""
    span_s: np.float32
    """No gap of a time that is not believed is longer."""

    @classmethod
    def of(cls, table: DetectionTable, extent: Extent, params: FeasibilityParams) -> Journeys:
        """The journeys between the detections of a table."""
        doubted = geometry.time_outside(table, np.arange(len(table)), extent)
        believed_s = np.where(doubted, np.nan, table.time_s)
        since = np.where(doubted, 0.0, believed_s - _least(believed_s))
        # both times are rounded to float32
        rounding = 2.0**-23 * max(0.0, -_least(-since))
        rate = SHORTENED * params.decay * extent.span_s / extent.distance_m if extent.distance_m else 0.0
        uncertain = table.location_uncertainty_m if params.use_location_uncertainty else np.zeros(len(table))
        return cls(
            table.position_m[:, 0] + 1j * table.position_m[:, 1],
            uncertain,
            since.astype(np.float32),
            rate if math.isfinite(rate) else 0.0,
            np.float32(rounding + params.clock_uncertainty_s + SHORTEST_GAP_S),
            doubted,
            np.float32(extent.span_s),
        )

    def departures(self, rows: IntArray) -> Departures:
        """Positions and times of the rows of a block."""
        position, index = np.unique(self.position[rows], return_inverse=True)
        uncertainty = np.zeros(len(position))
        np.maximum.at(uncertainty, index, self.uncertainty_m[rows])
        return Departures(position, uncertainty, index, self.time_s[rows], np.flatnonzero(self.doubted[rows]))

    def bounds(
        self, departures: Departures, columns: slice, step: int
    ) -> Iterator[tuple[slice, Float32Array, bool]]:
        """Upper bounds of feasibility for `step` rows at a time with the columns, (step, n), NaN if unknown.

        Yields the rows, their bounds, which the next step overwrites, and whether all pairs are known.
        """
        slowness, times = self._slowness_times_gap(departures, columns), self.time_s[None, columns]
        doubted = np.flatnonzero(self.doubted[columns])
        known = not (np.isnan(slowness).any() or np.isnan(departures.time_s).any() or np.isnan(times).any())
        shape = min(step, len(departures.time_s)), times.shape[1]
        gaps, scores = np.empty(shape, np.float32), np.empty(shape, np.float32)
        for start in range(0, len(departures.time_s), step):
            part = slice(start, min(start + step, len(departures.time_s)))
            gap, score = gaps[: part.stop - start], scores[: part.stop - start]
            np.subtract(departures.time_s[part, None], times, out=gap)
            np.abs(gap, out=gap)
            rows = departures.doubted[(departures.doubted >= start) & (departures.doubted < part.stop)]
            # the mean over all gaps is below the score of the longest one
            gap[rows - start] = np.maximum(gap[rows - start], self.span_s)
            gap[:, doubted] = np.maximum(gap[:, doubted], self.span_s)
            np.add(gap, self.longer_gap_s, out=gap)
            slowness.take(departures.index[part], axis=0, out=score, mode="clip")
            with np.errstate(over="ignore", under="ignore"):
                np.divide(score, gap, out=score)
                np.exp(score, out=score)
                np.multiply(score, EXP_ERROR, out=score)
            yield part, score, known

    def _slowness_times_gap(self, departures: Departures, columns: slice) -> Float32Array:
        """Minus a lower bound of rate * distance, from each distinct position to each column, (u, n)."""
        distance = np.abs(departures.position[:, None] - self.position[None, columns])
        distance -= departures.uncertainty_m[:, None] + self.uncertainty_m[columns]
        np.maximum(distance, 0.0, out=distance)
        # beyond the range of float32 the score is 0
        with np.errstate(over="ignore"):
            return (distance * -self.rate).astype(np.float32)


def _least(values: Float64Array) -> float:
    """The least known value; 0 if all are unknown."""
    known = values[~np.isnan(values)]
    return float(known.min()) if len(known) else 0.0
