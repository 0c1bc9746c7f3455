"""Distances and time gaps between detections: elementwise, so a pair's value never depends on its block."""

from __future__ import annotations

import numpy as np

from spotted.arrays import BoolArray, Float64Array, IntArray
from spotted.survey import DetectionTable, Extent

# ends of surveys are rounded, so that a time as late as this after one still lies in the survey
ROUNDING_S = 1.0


def distance_m(table: DetectionTable, rows: IntArray, columns: IntArray) -> Float64Array:
    """Distance between the cameras of rows and columns, metres; NaN if a position is unknown.

    rows, columns: indices that broadcast against each other, such as (q, 1) and (n,).
    """
    x, y = table.position_m[:, 0], table.position_m[:, 1]
    return np.hypot(x[rows] - x[columns], y[rows] - y[columns])


def gap_s(table: DetectionTable, rows: IntArray, columns: IntArray) -> Float64Array:
    """Time between the captures of rows and columns, seconds; NaN if a time is unknown."""
    return np.abs(table.time_s[rows] - table.time_s[columns])


def believed_gap_s(table: DetectionTable, rows: IntArray, columns: IntArray, extent: Extent) -> Float64Array:
    """As `gap_s`, but NaN also if a time lies outside the survey."""
    return np.where(gap_doubted(table, rows, columns, extent), np.nan, gap_s(table, rows, columns))


def same_image(table: DetectionTable, rows: IntArray, columns: IntArray) -> BoolArray:
    """Whether both are in one image: two animals, or a detection and itself."""
    image = table.image
    return np.asarray((image[rows] == image[columns]) & (image[rows] >= 0) | (rows == columns))


def uncertainty_m(table: DetectionTable, rows: IntArray, columns: IntArray) -> Float64Array:
    """Sum of the location uncertainties of both cameras, metres."""
    return table.location_uncertainty_m[rows] + table.location_uncertainty_m[columns]


def clock_suspect(table: DetectionTable, rows: IntArray, columns: IntArray) -> BoolArray:
    """Whether the clock of either camera is known to have been wrong."""
    return np.asarray(table.clock_suspect[rows] | table.clock_suspect[columns])


def time_outside(table: DetectionTable, rows: IntArray, extent: Extent) -> BoolArray:
    """Whether a time lies outside the survey, which only that of a wrong clock does; False if unknown."""
    if extent.start_s is None:
        return np.zeros(np.shape(rows), np.bool_)
    time_s = table.time_s[rows]
    late = time_s > extent.start_s + extent.span_s + ROUNDING_S
    return np.asarray(late | (time_s < extent.start_s - ROUNDING_S))


def gap_doubted(table: DetectionTable, rows: IntArray, columns: IntArray, extent: Extent) -> BoolArray:
    """Whether the time of either lies outside the survey, so that the gap between them is not believed."""
    return np.asarray(time_outside(table, rows, extent) | time_outside(table, columns, extent))
