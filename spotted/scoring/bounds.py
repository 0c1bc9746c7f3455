"""Quick bounds of scores, to rule pairs out before their exact score is computed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

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
    doubted: BoolArray
    """(q,) whether a time is not believed."""


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
        return Departures(position, uncertainty, index, self.time_s[rows], self.doubted[rows])

    def between(self, departures: Departures, columns: slice) -> JourneyBlock:
        """The journeys from the rows of a block to its columns."""
        return JourneyBlock(self, departures, columns, self._slowness_times_gap(departures, columns))

    def _slowness_times_gap(self, departures: Departures, columns: slice) -> Float32Array:
        """Minus a lower bound of rate * distance, from each distinct position to each column, (u, n)."""
        distance = np.abs(departures.position[:, None] - self.position[None, columns])
        distance -= departures.uncertainty_m[:, None] + self.uncertainty_m[columns]
        np.maximum(distance, 0.0, out=distance)
        # beyond the range of float32 the score is 0
        with np.errstate(over="ignore"):
            return (distance * -self.rate).astype(np.float32)


class JourneyBlock:
    """Upper bounds of feasibility between the rows and columns of a block, NaN if unknown."""

    def __init__(
        self, journeys: Journeys, departures: Departures, columns: slice, slowness_times_gap: Float32Array
    ) -> None:
        self._departures = departures
        self._slowness_times_gap = slowness_times_gap
        self._times = journeys.time_s[columns]
        self._doubted = journeys.doubted[columns]
        self._longer_gap_s, self._span_s = journeys.longer_gap_s, journeys.span_s
        self._any_doubted = bool(self._doubted.any() or departures.doubted.any())
        self._room = (np.empty(0, np.float32), np.empty(0, np.float32))

    @cached_property
    def known(self) -> bool:
        """Whether all pairs are known."""
        parts = (self._slowness_times_gap, self._departures.time_s, self._times)
        return not any(np.isnan(part).any() for part in parts)

    def of_rows(self, part: slice) -> Float32Array:
        """Bounds for some rows and all columns, (p, n), which the next call overwrites."""
        departures = self._departures
        times = departures.time_s[part, None]
        gap, score = self._buffers(len(times))
        np.subtract(times, self._times, out=gap)
        np.abs(gap, out=gap)
        if self._any_doubted:
            # the mean over all gaps is below the score of the longest one
            for doubted in (departures.doubted[part], (slice(None), self._doubted)):
                gap[doubted] = np.maximum(gap[doubted], self._span_s)
        self._slowness_times_gap.take(departures.index[part], axis=0, out=score, mode="clip")
        return self._bound(gap, score)

    def of_pairs(self, rows: IntArray, columns: IntArray) -> Float32Array:
        """Bounds for pairs of a row and a column of the block, (m,)."""
        departures = self._departures
        gap = np.abs(departures.time_s[rows] - self._times[columns])
        if self._any_doubted:
            doubted = departures.doubted[rows] | self._doubted[columns]
            np.maximum(gap, self._span_s, out=gap, where=doubted)
        flat = departures.index[rows] * len(self._times) + columns
        return self._bound(gap, self._slowness_times_gap.ravel()[flat])

    def _bound(self, gap: Float32Array, score: Float32Array) -> Float32Array:
        """The bounds of gaps and of minus slowness times gap; overwrites both."""
        np.add(gap, self._longer_gap_s, out=gap)
        with np.errstate(over="ignore", under="ignore"):
            np.divide(score, gap, out=score)
            np.exp(score, out=score)
            np.multiply(score, EXP_ERROR, out=score)
        return score

    def _buffers(self, count: int) -> tuple[Float32Array, Float32Array]:
        if len(self._room[0]) < count:
            shape = count, len(self._times)
            self._room = np.empty(shape, np.float32), np.empty(shape, np.float32)
        gap, score = self._room
        return gap[:count], score[:count]


def _least(values: Float64Array) -> float:
    """The least known value; 0 if all are unknown."""
    known = values[~np.isnan(values)]
    return float(known.min()) if len(known) else 0.0
