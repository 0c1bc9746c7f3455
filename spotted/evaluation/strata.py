"""Strata of pairs of one animal: by side, time gap, distance, number of photographs and encounter.

Within a stratum only its pairs count as right; other detections of the animal are removed from the ranking,
so that they neither help nor hurt.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spotted.arrays import BoolArray, Float64Array, IntArray
from spotted.calibration.evidence import Sides, compare_sides
from spotted.evaluation.outcomes import RelevantPairs
from spotted.scoring import geometry
from spotted.survey import DetectionTable

HOUR_S, DAY_S, KM_M = 3600.0, 86_400.0, 1000.0
GAPS_S = (HOUR_S, DAY_S, 7 * DAY_S, 30 * DAY_S)
GAP_NAMES = ("up to 1 h", "1 h to 1 day", "1 to 7 days", "7 to 30 days", "over 30 days", "unknown")
# detections of one camera are at distance 0
DISTANCES_M = (0.0, 2 * KM_M, 5 * KM_M, 10 * KM_M)
DISTANCE_NAMES = ("same place", "up to 2 km", "2 to 5 km", "5 to 10 km", "over 10 km", "unknown")
COUNTS = (2.0, 5.0, 10.0, 20.0)
COUNT_NAMES = ("2", "3 to 5", "6 to 10", "11 to 20", "over 20")
SIDE_NAMES = {Sides.SAME: "same", Sides.UNCERTAIN: "unknown or overlapping", Sides.OPPOSITE: "opposite"}


@dataclass(frozen=True, slots=True)
class Strata:
    """A division of pairs into strata.

    >>> strata = Strata("encounter", ("another", "the same"), np.array([0, 1, 0]))
    >>> {name: int(mask.sum()) for name, mask in strata.masks().items()}
    {'another': 2, 'the same': 1}
    """

    by: str
    """Name of the variable."""
    names: tuple[str, ...]
    """Names of the strata."""
    of: IntArray
    """(m,) index of the stratum of each pair."""

    def masks(self) -> dict[str, BoolArray]:
        """Masks (m,) of the pairs of each stratum that is not empty, by name."""
        return {name: self.of == i for i, name in enumerate(self.names) if (self.of == i).any()}


def assign_strata(pairs: RelevantPairs, table: DetectionTable, individuals: Sequence[str]) -> list[Strata]:
    """The divisions of pairs: by sides, time gap, distance, photographs of the animal, and encounter."""
    query, candidate = pairs.query, pairs.candidate
    sides = compare_sides(table.side[query], table.side[candidate]).astype(np.int64)
    _, animal, sizes = np.unique(np.array(individuals, dtype=object), return_inverse=True, return_counts=True)
    photographs = sizes[animal[query]].astype(np.float64)
    gap, distance = (of(table, query, candidate) for of in (geometry.gap_s, geometry.distance_m))
    return [
        Strata("sides shown", tuple(SIDE_NAMES[side] for side in Sides), sides),
        Strata("time between", GAP_NAMES, _binned(gap, GAPS_S)),
        Strata("distance between cameras", DISTANCE_NAMES, _binned(distance, DISTANCES_M)),
        Strata("photographs of the animal", COUNT_NAMES, _binned(photographs, COUNTS)),
        Strata("encounter", ("another", "the same"), pairs.together.astype(np.int64)),
    ]


def _binned(values: Float64Array, edges: Sequence[float]) -> IntArray:
    """The bin of each value: up to the first edge, up to the second, ..., above the last, unknown."""
    return np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values))
