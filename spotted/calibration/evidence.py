"""What speaks for one animal in a pair: the terms whose weighted sum is its log-odds (all ours)."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spotted.arrays import BoolArray, FloatArray, IntArray
from spotted.survey import Side

SidesArray = npt.NDArray[np.int8]

# a similarity of 0 would count minus infinity; below this all count alike
LEAST_VISUAL = 1e-3
# so would a feasibility of 0; this far down no journey was ever made
LEAST_FEASIBILITY = math.exp(-12.0)
DISTANCE_UNIT_M = 10_000.0
GAP_UNIT_S = 3600.0
# two gaps past a season count alike
LONGEST_GAP_S = 90 * 86_400.0
_LONGEST = math.log1p(LONGEST_GAP_S / GAP_UNIT_S)


class Sides(enum.IntEnum):
    """How the sides of two detections compare: a coat says little across OPPOSITE ones (not comparable).

    UNCERTAIN: different but overlapping, such as left and front, or unknown.
    """

    OPPOSITE = 0
    UNCERTAIN = 1
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


def compared_sides(first: IntArray, second: IntArray) -> SidesArray:
    """`Sides` of pairs, from values of `Side` that broadcast against each other."""
    return np.asarray(_COMPARISON[first, second])


@dataclass(frozen=True, slots=True)
class Pairs:
    """What is known of pairs, arrays of one shape.

    visual, feasibility: in [0, 1]. distance_m, gap_s: from 0 on. sides: values of `Sides`.
    Feasibility, distance and gap are NaN where unknown: such a pair is judged by its looks and sides alone.
    All is computed in the precision of `visual`: float32 for large blocks, float64 for what is answered.
    """

    visual: FloatArray
    feasibility: FloatArray
    distance_m: FloatArray
    gap_s: FloatArray
    sides: SidesArray

    def at(self, chosen: BoolArray | tuple[IntArray, ...]) -> Pairs:
        """The pairs that a mask or indices choose."""
        return Pairs(
            self.visual[chosen],
            self.feasibility[chosen],
            self.distance_m[chosen],
            self.gap_s[chosen],
            self.sides[chosen],
        )

    def placed(self) -> BoolArray:
        """Where distance, gap and feasibility are all known."""
        return ~(np.isnan(self.feasibility) | np.isnan(self.distance_m) | np.isnan(self.gap_s))


@dataclass(frozen=True, slots=True)
class Term:
    """One addend of the log-odds, before its weight.

    of: its value for each pair.
    grows: it never falls as visual similarity or feasibility grows or the distance shrinks, the rest being
        equal; its weight must not be negative, so that the log-odds keep to that.
    place: it needs distance, gap and feasibility.
    """

    name: str
    of: Callable[[Pairs], FloatArray]
    grows: bool = True
    place: bool = False


def _in_its_precision(pairs: Pairs, values: npt.ArrayLike) -> FloatArray:
    return np.asarray(values, dtype=pairs.visual.dtype)


def _visual(pairs: Pairs) -> FloatArray:
    return pairs.visual


def _log_visual(pairs: Pairs) -> FloatArray:
    return _in_its_precision(pairs, np.log(np.maximum(pairs.visual, LEAST_VISUAL)))


def _visual_comparable(pairs: Pairs) -> FloatArray:
    return _in_its_precision(pairs, pairs.visual * (pairs.sides != Sides.OPPOSITE))


def _visual_same_side(pairs: Pairs) -> FloatArray:
    return _in_its_precision(pairs, pairs.visual * (pairs.sides == Sides.SAME))


def _same_side(pairs: Pairs) -> FloatArray:
    return _in_its_precision(pairs, pairs.sides == Sides.SAME)


def _opposite_sides(pairs: Pairs) -> FloatArray:
    return _in_its_precision(pairs, pairs.sides == Sides.OPPOSITE)


def _log_feasibility(pairs: Pairs) -> FloatArray:
    possible = np.maximum(_in_its_precision(pairs, pairs.feasibility), LEAST_FEASIBILITY)
    return _in_its_precision(pairs, np.log(possible))


def _nearness(pairs: Pairs) -> FloatArray:
    return _in_its_precision(pairs, pairs.distance_m) / -DISTANCE_UNIT_M


def _gap(pairs: Pairs) -> FloatArray:
    gap = np.log1p(_in_its_precision(pairs, pairs.gap_s) / GAP_UNIT_S) / _LONGEST
    return _in_its_precision(pairs, np.minimum(gap, 1.0))


def _gap_squared(pairs: Pairs) -> FloatArray:
    return np.square(_gap(pairs))


TERMS = (
    Term("log_visual", _log_visual),
    Term("visual", _visual),
    Term("visual_comparable", _visual_comparable),
    Term("visual_same_side", _visual_same_side),
    Term("same_side", _same_side, grows=False),
    Term("opposite_sides", _opposite_sides, grows=False),
    Term("log_feasibility", _log_feasibility, place=True),
    Term("nearness", _nearness, place=True),
    Term("gap", _gap, grows=False, place=True),
    Term("gap_squared", _gap_squared, grows=False, place=True),
)
LOOKS = tuple(term for term in TERMS if not term.place)


def weighed(pairs: Pairs, terms: Sequence[Term], weights: Sequence[float]) -> FloatArray:
    """The first weight plus the weighted sum of terms, of each pair; a weight of 0 costs nothing."""
    constant, *factors = weights
    total = np.full_like(pairs.visual, constant)
    for term, factor in zip(terms, factors, strict=True):
        if factor:
            total += factor * term.of(pairs)
    return total
