"""Spatio-temporal feasibility: whether one animal could have made a journey (Spotted eqs. 1-3).

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from spotted.arrays import BoolArray, Float32Array, Float64Array, IntArray
from spotted.errors import InvalidInputError
from spotted.scoring import geometry
from spotted.survey import DetectionTable, Extent

METRES_PER_KM = 1000.0
SECONDS_PER_HOUR = 3600.0
# beyond any decay, clock or speed; products with the extent of a survey stay finite in float32
LARGEST_SETTING = 1e9


@dataclass(frozen=True, slots=True)
class FeasibilityParams:
    """Settings of feasibility; all but `decay` are off by default.

    Raises InvalidInputError if a setting is negative, above LARGEST_SETTING or not a number.

    >>> extent = Extent(distance_m=20_000.0, span_s=864_000.0)
    >>> distance_m, gap_s = np.array([10_000.0, 10_000.0]), np.array([3600.0, 86_400.0])
    >>> journey_feasibility(distance_m, gap_s, extent, FeasibilityParams(max_speed_kmh=5.0)).round(4)
    array([0.    , 0.0067], dtype=float32)
    """

    decay: float = 1.0
    """Rate lambda of exp(-lambda * d' / g') (paper: 1)."""
    clock_uncertainty_s: float = 0.0
    """Added to the gap of a pair if the clock of either camera is suspect."""
    use_location_uncertainty: bool = False
    """Shorten distances by the location uncertainty of both cameras."""
    max_speed_kmh: float | None = None
    """A journey that needs a higher speed is infeasible, score 0; None for no limit."""

    def __post_init__(self) -> None:
        for knob in ("decay", "clock_uncertainty_s", "max_speed_kmh"):
            value = getattr(self, knob)
            if value is not None and not 0.0 <= value <= LARGEST_SETTING:
                raise InvalidInputError(
                    f"{knob} is {value}; use a number from 0 to {LARGEST_SETTING:g}",
                    field=f"feasibility.{knob}",
                )


def compute_feasibility(
    distance_m: Float64Array, gap_s: Float64Array, extent: Extent, *, decay: float = 1.0
) -> Float64Array:
    """Score exp(-decay * d' / g') of each journey, with d' = d / extent, g' = g / extent (Spotted eq. 3).

    distance_m, gap_s: any shape, metres and seconds, NaN if unknown.
    Returns the same shape in [0, 1]: 1 if the distance is 0, whatever the gap; 0 if the distance is above 0
    and the gap is 0; NaN if either is unknown. In an extent of zero distance or zero time every journey takes
    the limit of that rule.

    >>> extent = Extent(distance_m=10_000.0, span_s=864_000.0)
    >>> compute_feasibility(np.array([0.0, 5000.0, 5000.0]), np.array([60.0, 86_400.0, 0.0]), extent).round(4)
    array([1.    , 0.0067, 0.    ])
    """
    # d > 0 over g = 0 is +inf, whose exponential is 0 as required; 0 over 0 is replaced below
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        slowness = (distance_m * extent.span_s) / (gap_s * extent.distance_m)
        # with a decay of 0 every journey is feasible except one with a gap of 0
        score = np.exp(np.where(np.isposinf(slowness), -np.inf, -decay * slowness))
    return np.where((distance_m == 0) & ~np.isnan(gap_s), 1.0, score)


def mean_feasibility(distance_m: Float64Array, extent: Extent, *, decay: float = 1.0) -> Float64Array:
    """Feasibility of each journey whose gap is not believed: the mean over the gaps of two random instants.

    The gaps g' of two instants drawn from the survey have the density 2 (1 - g'), so that the mean of
    exp(-decay * d' / g') is 2 (E2(decay * d') - E3(decay * d')), with exponential integrals.
    Returns the shape of distance_m in [0, 1]: 1 if the distance is 0, NaN if it is unknown.

    >>> extent = Extent(distance_m=10_000.0, span_s=864_000.0)
    >>> mean_feasibility(np.array([0.0, 500.0, 5000.0]), extent).round(3)
    array([1.   , 0.746, 0.21 ])
    """
    import scipy  # noqa: PLC0415 - clients read the settings above without scipy

    with np.errstate(divide="ignore", invalid="ignore"):
        slowness = np.where(distance_m == 0, 0.0, decay * distance_m / extent.distance_m)
    return np.asarray(2.0 * (scipy.special.expn(2, slowness) - scipy.special.expn(3, slowness)))


def needed_speed_kmh(distance_m: Float64Array, gap_s: Float64Array) -> Float64Array:
    """Speed that each journey needs, km/h: 0 for a distance of 0, infinite for a gap of 0, NaN if unknown."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        speed = (distance_m / METRES_PER_KM) / (gap_s / SECONDS_PER_HOUR)
    return np.where((distance_m == 0) & ~np.isnan(gap_s), 0.0, speed)


def pair_feasibility(
    table: DetectionTable, rows: IntArray, columns: IntArray, extent: Extent, params: FeasibilityParams
) -> Float32Array:
    """Feasibility of pairs of detections, float32, NaN if unknown.

    rows, columns: indices that broadcast against each other, such as (q, 1) and (n,).
    """
    distance, gap = softened_journey(table, rows, columns, params)
    doubted = geometry.gap_doubted(table, rows, columns, extent)
    return journey_feasibility(distance, gap, extent, params, doubted=doubted)


def journey_feasibility(
    distance_m: Float64Array,
    gap_s: Float64Array,
    extent: Extent,
    params: FeasibilityParams,
    *,
    doubted: BoolArray | None = None,
) -> Float32Array:
    """Feasibility of softened journeys, float32, NaN if unknown.

    doubted: whether each gap is not believed, of the same shape; such a journey has its mean feasibility.
    """
    score = compute_feasibility(distance_m, gap_s, extent, decay=params.decay)
    if params.max_speed_kmh is not None:
        too_fast = needed_speed_kmh(distance_m, gap_s) > params.max_speed_kmh
        score = np.where(too_fast, 0.0, score)
    if doubted is not None and doubted.any():
        known = doubted & ~np.isnan(gap_s)
        score[known] = mean_feasibility(
            np.broadcast_to(distance_m, score.shape)[known], extent, decay=params.decay
        )
    return score.astype(np.float32)


def softened_journey(
    table: DetectionTable, rows: IntArray, columns: IntArray, params: FeasibilityParams
) -> tuple[Float64Array, Float64Array]:
    """Distance and gap of pairs after the uncertainties that `params` turns on."""
    distance, gap = geometry.distance_m(table, rows, columns), geometry.gap_s(table, rows, columns)
    if params.use_location_uncertainty:
        distance = np.maximum(distance - geometry.uncertainty_m(table, rows, columns), 0.0)
    if params.clock_uncertainty_s:
        suspect = geometry.clock_suspect(table, rows, columns)
        gap = gap + np.where(suspect, params.clock_uncertainty_s, 0.0)
    return distance, gap


def describe_journey(
    distance_m: float,
    gap_s: float,
    cameras: tuple[str, str],
    params: FeasibilityParams,
    station: str = "",
    *,
    doubted: bool = False,
) -> str:
    """The feasibility of one pair as text, e.g. "needs 4.1 km/h between CAM07 and CAM12".

    distance_m, gap_s: after softening, NaN if unknown. cameras: their ids, "" if unknown. station: the one
        that two cameras share, "" if none; a journey within it is described so unless it is infeasible.
    doubted: whether a time lies outside the survey, so that the gap is not believed.
    """
    if math.isnan(distance_m) or math.isnan(gap_s):
        return f"unknown: a detection has no {'position' if math.isnan(distance_m) else 'time'}"
    if cameras[0] == cameras[1]:
        return f"same camera {cameras[0]}"
    between = f"between {min(cameras)} and {max(cameras)}"
    if doubted and distance_m and not station:
        return f"a clock is wrong: only the distance {between} counts"
    if gap_s == 0 and distance_m:
        return f"infeasible: at one instant {between}"
    speed = distance_m / METRES_PER_KM / (gap_s / SECONDS_PER_HOUR) if distance_m else 0.0
    needs = f"needs {speed:.2g} km/h {between}" if speed < 1 else f"needs {speed:.1f} km/h {between}"
    if params.max_speed_kmh is not None and speed > params.max_speed_kmh:
        return f"infeasible: {needs}, above {params.max_speed_kmh:g} km/h"
    return _within(cameras, params, station) if station or distance_m == 0 else needs


def _within(cameras: tuple[str, str], params: FeasibilityParams, station: str) -> str:
    """A journey between two cameras of one station, or without a distance."""
    pair = f"{min(cameras)} and {max(cameras)}"
    if not station and params.use_location_uncertainty:
        # softened distances of different places may be 0, too
        return f"no distance between {pair}"
    return f"same station{f' {station}' if station and station not in cameras else ''}: {pair}"
