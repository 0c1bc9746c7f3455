"""Evidence that a pair shows one animal: the terms whose weighted sum is the log-odds.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spotted.arrays import BoolArray, FloatArray, IntArray
from spotted.calibration.looks import count_marks
from spotted.survey import Side

SidesArray = npt.NDArray[np.int8]

# lower similarities count as this one, because the logarithm of 0 is minus infinity
LEAST_VISUAL = 1e-3
# the same for feasibility; no journey of so low a feasibility was ever made
LEAST_FEASIBILITY = math.exp(-12.0)
DISTANCE_UNIT_M = 10_000.0
GAP_UNIT_S = 3600.0
# longer gaps, past a season, count as this one
LONGEST_GAP_S = 90 * 86_400.0
_LONGEST = math.log1p(LONGEST_GAP_S / GAP_UNIT_S)


class Sides(enum.IntEnum):
    """How the sides of two detections compare.

    >>> left = np.full(3, Side.LEFT)
    >>> [Sides(value).name for value in compare_sides(left, np.array([Side.LEFT, Side.RIGHT, Side.FRONT]))]
    ['SAME', 'OPPOSITE', 'UNCERTAIN']
    """

    OPPOSITE = 0
    """Not comparable: the coat of one side says little about that of the other."""
    UNCERTAIN = 1
    """Different but overlapping, such as left and front, or unknown."""
    SAME = 2


def _comparisons() -> SidesArray:
    """(side, side) -> value of `Sides`."""
    table = np.full((len(Side), len(Side)), Sides.UNCERTAIN, dtype=np.int8)
    for side in (Side.LEFT, Side.RIGHT, Side.FRONT, Side.BACK):
        table[side, side] = Sides.SAME
    for one, other in ((Side.LEFT, Side.RIGHT), (Side.FRONT, Side.BACK)):
        table[one, other] = table[other, one] = Sides.OPPOSITE
    table.flags.writeable = False
    return table


_COMPARISON = _comparisons()


def compare_sides(first: IntArray, second: IntArray) -> SidesArray:
    """`Sides` of pairs, from values of `Side` that broadcast against each other."""
    return np.asarray(_COMPARISON[first, second])


@dataclass(frozen=True, slots=True)
class PairEvidence:
    """The evidence of pairs, arrays of one shape.

    A pair whose feasibility, distance or gap is unknown is judged only by its looks: visual similarity, sides
    and matched marks. Marks that were not compared count as none that matched: which pairs were compared says
    how likely they were before, not whether they show one animal.

    >>> pairs = PairEvidence(
    ...     visual=np.array([0.8, 0.6]),
    ...     feasibility=np.array([0.9, np.nan]),
    ...     distance_m=np.array([500.0, np.nan]),
    ...     gap_s=np.array([7200.0, np.nan]),
    ...     sides=np.array([Sides.SAME, Sides.UNCERTAIN], np.int8),
    ... )
    >>> pairs.placed().tolist(), pairs.at(pairs.placed()).visual.tolist()
    ([True, False], [0.8])
    """

    visual: FloatArray
    """In [0, 1]. Its precision is that of all results: float32 for large blocks, float64 for final scores."""
    feasibility: FloatArray
    """In [0, 1], NaN if unknown."""
    distance_m: FloatArray
    """At least 0, NaN if unknown."""
    gap_s: FloatArray
    """At least 0, NaN if unknown."""
    sides: SidesArray
    """Values of `Sides`."""
    local: FloatArray | None = None
    """Score of the matched marks, at least 0; NaN of pairs that share none or were not matched.

    None: NaN for all."""

    def at(self, chosen: BoolArray | tuple[IntArray, ...]) -> PairEvidence:
        """The pairs that a mask or indices select."""
        return PairEvidence(
            self.visual[chosen],
            self.feasibility[chosen],
            self.distance_m[chosen],
            self.gap_s[chosen],
            self.sides[chosen],
            None if self.local is None else self.local[chosen],
        )

    @property
    def looks(self) -> FloatArray:
        """Visual similarity, raised by matched marks."""
        return self.visual if self.local is None else count_marks(self.visual, self.local)

    def placed(self) -> BoolArray:
        """Whether distance, gap and feasibility are all known, for each pair."""
        return ~(np.isnan(self.feasibility) | np.isnan(self.distance_m) | np.isnan(self.gap_s))


@dataclass(frozen=True, slots=True)
class Term:
    """One addend of the log-odds, before its weight.

    >>> alike = Term("alike", lambda pairs: pairs.visual**2)
    >>> unknown = np.full(2, np.nan)
    >>> pairs = PairEvidence(np.array([0.5, 0.9]), unknown, unknown, unknown, np.zeros(2, np.int8))
    >>> weigh(pairs, [alike], [-2.0, 4.0]).round(2).tolist()
    [-1.0, 1.24]
    """

    name: str
    of: Callable[[PairEvidence], FloatArray]
    """Its value for each pair."""
    grows: bool = True
    """Whether it never falls if, all else equal, visual similarity or feasibility grows or distance shrinks.

    The weight of such a term must not be negative, so that the log-odds do not fall either."""
    place: bool = False
    """Whether it needs distance, gap and feasibility."""


def _looks(pairs: PairEvidence) -> FloatArray:
    return pairs.looks


def _in_its_precision(pairs: PairEvidence, values: npt.ArrayLike) -> FloatArray:
    return np.asarray(values, dtype=pairs.visual.dtype)


def _log_visual(pairs: PairEvidence) -> FloatArray:
    return _in_its_precision(pairs, np.log(np.maximum(pairs.looks, LEAST_VISUAL)))


def _visual_same_side(pairs: PairEvidence) -> FloatArray:
    return _in_its_precision(pairs, pairs.looks * (pairs.sides == Sides.SAME))


def _same_side(pairs: PairEvidence) -> FloatArray:
    return _in_its_precision(pairs, pairs.sides == Sides.SAME)


def _marks(pairs: PairEvidence) -> FloatArray:
    if pairs.local is None:
        return np.zeros_like(pairs.visual)
    return _in_its_precision(pairs, np.log1p(np.nan_to_num(pairs.local)))


def _log_feasibility(pairs: PairEvidence) -> FloatArray:
    possible = np.maximum(_in_its_precision(pairs, pairs.feasibility), LEAST_FEASIBILITY)
    return _in_its_precision(pairs, np.log(possible))


def _nearness(pairs: PairEvidence) -> FloatArray:
    return _in_its_precision(pairs, pairs.distance_m) / -DISTANCE_UNIT_M


def _gap(pairs: PairEvidence) -> FloatArray:
    gap = np.log1p(_in_its_precision(pairs, pairs.gap_s) / GAP_UNIT_S) / _LONGEST
    return _in_its_precision(pairs, np.minimum(gap, 1.0))


def _product(pairs: PairEvidence) -> FloatArray:
    return pairs.looks * _in_its_precision(pairs, pairs.feasibility)


TERMS = (
    Term("log_visual", _log_visual),
    Term("visual", _looks),
    Term("visual_same_side", _visual_same_side),
    Term("same_side", _same_side, grows=False),
    Term("marks", _marks),
    Term("log_feasibility", _log_feasibility, place=True),
    Term("product", _product, place=True),
    Term("nearness", _nearness, place=True),
    Term("gap", _gap, grows=False, place=True),
)
LOOKS = tuple(term for term in TERMS if not term.place)


def weigh(pairs: PairEvidence, terms: Sequence[Term], weights: Sequence[float]) -> FloatArray:
    """The first weight plus the weighted sum of the terms, for each pair; skips terms of weight 0."""
    constant, *factors = weights
    total = np.full_like(pairs.visual, constant)
    for term, factor in zip(terms, factors, strict=True):
        if factor:
            total += factor * term.of(pairs)
    return total
