"""Ranges of components: how close two of them lie, as a mean kernel over all their images.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spotted.arrays import Float64Array, IntArray

UNKNOWN = -1
MOST_DIRECTIONS = 128  # of the kernel between stations; with more stations only its main ones are kept
LEAST_SPACING_M = 1.0  # no position is known better, and the kernel divides by it
ROWS = 100_000  # pairs that are scored at a time, so that memory stays bounded


def stations(position_m: Float64Array) -> tuple[IntArray, Float64Array]:
    """(n,) the station of each item, UNKNOWN without a position, and (p, 2) the locations of the stations."""
    known = ~np.isnan(position_m).any(axis=1)
    station = np.full(len(position_m), UNKNOWN, dtype=np.int64)
    places, row = np.unique(position_m[known], axis=0, return_inverse=True)
    station[known] = row.reshape(-1)
    return station, places


def spacing_m(places: Float64Array) -> float:
    """The median distance from a station to the nearest other one, at least LEAST_SPACING_M."""
    if len(places) < 2:  # noqa: PLR2004 - a distance needs two
        return LEAST_SPACING_M
    square = _square_m2(places)
    np.fill_diagonal(square, np.inf)
    return max(LEAST_SPACING_M, float(np.median(np.sqrt(square.min(axis=1)))))


@dataclass(frozen=True, slots=True)
class Ranges:
    """How often each component was seen at each location."""

    weight: Float64Array
    """(c, r) coordinates whose products are sums of the kernel over image pairs."""
    number: Float64Array
    """(c,) number of images with a known location."""
    usual: float
    """Mean of the kernel over all image pairs, used for unknown locations."""

    def closeness(self, first: IntArray, second: IntArray) -> Float64Array:
        """(m,) mean kernel exp(-d^2 / 2 h^2) over the image pairs of two components, 0 to 1."""
        mean = np.full(len(first), self.usual)
        pairs = self.number[first] * self.number[second]
        for start in range(0, len(first), ROWS):
            rows = start + np.flatnonzero(pairs[start : start + ROWS])
            sums = np.einsum("ij,ij->i", self.weight[first[rows]], self.weight[second[rows]])
            mean[rows] = sums / pairs[rows]
        # cut directions may leave a product just outside
        return np.asarray(np.clip(mean, 0.0, 1.0), dtype=np.float64)


def compute_ranges(
    component: IntArray, components: int, station: IntArray, places: Float64Array, *, width_m: float
) -> Ranges:
    """The ranges of components over stations (p, 2), with a kernel of width h = `width_m`."""
    known = station != UNKNOWN
    seen = np.zeros((components, len(places)))
    np.add.at(seen, (component[known], station[known]), 1.0)
    if not len(places):
        return Ranges(seen, seen.sum(axis=1), 1.0)
    strength, directions = np.linalg.eigh(np.exp(-_square_m2(places) / (2.0 * width_m**2)))
    main = slice(max(0, len(places) - MOST_DIRECTIONS), None)
    weight = seen @ (directions[:, main] * np.sqrt(np.maximum(strength[main], 0.0)))
    number = seen.sum(axis=1)
    everywhere = weight.sum(axis=0)
    return Ranges(weight, number, float(np.clip(everywhere @ everywhere / number.sum() ** 2, 0.0, 1.0)))


def _square_m2(places: Float64Array) -> Float64Array:
    off = places[:, None, :] - places[None, :, :]
    return np.asarray((off**2).sum(axis=-1), dtype=np.float64)
