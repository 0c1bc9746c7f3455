"""Periods and instants that lie so far from the others that they are more likely wrong than right.

A year 2000 of a clock that was reset, or an end typed 70 years late, would be the span by which all time gaps
are normalised.
Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import numpy as np

from spotted.arrays import BoolArray, Float64Array, IntArray

# one period that stretches the survey by this factor is left out, if there are enough others to judge by
STRETCH = 1.5
ENOUGH_PERIODS = 8
# beside fewer others, and several together, only by these factors and at least half a year
FEW_STRETCH = 5.0
ABSURD_STRETCH = 10.0
FEW_GAP_S = 182 * 86_400.0
FEWEST_PERIODS = 3
LARGEST_SHARE = 0.1

Periods = tuple[Float64Array, Float64Array]


def outlying_periods(
    whole: Periods, supported: Periods, *, others: int | None = None, disjoint: bool = False
) -> BoolArray:
    """Which periods stretch the survey without support, (n,).

    whole: (n,) starts and (n,) ends, UTC seconds; equal for an instant; NaN if unknown.
    supported: the same for the part that stays if a period is left out; NaN if nothing does.
    others: number of cameras to judge by, by default n - 1.
    disjoint: whether a period is outlying only if it lies wholly before or after the rest.
    The latest ends, the earliest starts, or both are outlying, as few as possible, if the survey without them
    is shorter by the factor `STRETCH` (one, beside `ENOUGH_PERIODS` others), `FEW_STRETCH` (one, beside
    fewer) or `ABSURD_STRETCH` (up to a tenth of all), in the latter two cases by half a year too. Of two
    periods neither is outlying.

    >>> days = 86_400.0
    >>> start, end = np.zeros(4), np.array([60.0, 50.0, 60.0, 25_000.0]) * days
    >>> nothing = np.full(4, np.nan)
    >>> outlying_periods((start, end), (nothing, nothing)).nonzero()[0]
    array([3])
    """
    start_s, end_s = whole
    known = np.flatnonzero(~np.isnan(start_s) & ~np.isnan(end_s))
    outlying = np.zeros(len(start_s), np.bool_)
    if len(known) < FEWEST_PERIODS:
        return outlying
    by = len(known) - 1 if others is None else others
    # a second look, as an early one may hide behind a late one
    for _ in range(2):
        found = _outlying(whole, supported, known, by, disjoint=disjoint)
        outlying[found] = True
        known = np.setdiff1d(known, found)
    return outlying


def _outlying(whole: Periods, supported: Periods, known: IntArray, by: int, *, disjoint: bool) -> IntArray:
    """The fewest of the known periods that stretch the rest at one of its ends, or at both."""
    start_s, end_s = whole
    latest = known[np.argsort(-end_s[known], kind="stable")]
    earliest = known[np.argsort(start_s[known], kind="stable")]
    for count in range(1, max(1, int(LARGEST_SHARE * len(known))) + 1):
        late, early = latest[:count], earliest[:count]
        one = (STRETCH, 0.0) if by >= ENOUGH_PERIODS else (FEW_STRETCH, FEW_GAP_S)
        several = (ABSURD_STRETCH, FEW_GAP_S)
        limits = one if count == 1 else several
        for left_out, (stretch, gap_s) in (
            (late, limits),
            (early, limits),
            (np.union1d(late, early), several),
        ):
            shorter_s, longer_s = _lengths(whole, supported, known, left_out, disjoint=disjoint)
            if longer_s >= max(stretch * shorter_s, shorter_s + gap_s) and longer_s > shorter_s:
                return left_out
    return known[:0]


def _lengths(
    whole: Periods, supported: Periods, known: IntArray, left_out: IntArray, *, disjoint: bool
) -> tuple[float, float]:
    """Length of the survey with the supported parts only, and with the periods, seconds; equal: undecided."""
    longer_s = float(whole[1][known].max() - whole[0][known].min())
    kept = np.setdiff1d(known, left_out)
    if len(kept) < FEWEST_PERIODS - 1:
        return longer_s, longer_s
    first = np.nanmin(np.concatenate([whole[0][kept], supported[0][left_out]]))
    last = np.nanmax(np.concatenate([whole[1][kept], supported[1][left_out]]))
    outside = (whole[1][left_out] < first) | (whole[0][left_out] > last)
    if last <= first or (disjoint and not outside.all()):
        return longer_s, longer_s
    return float(last - first), longer_s
