"""How many temporal pairs a survey has, how many are ambiguous, and how many are wrong if names are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from spotted.arrays import BoolArray
from spotted.training.pairs.detections import BoxedDetections
from spotted.training.pairs.temporal import PairRules, TemporalPairs, camera_frames, find_pairs

# thresholds that a sweep tries besides those of the rules
OVERLAPS = (0.05, 0.1, 0.2, 0.3, 0.5)
GAPS_S = (0.0, 30.0, 60.0, 120.0, 300.0)
# limits of the gaps between consecutive frames, seconds
DRIFT_S = (0.0, 10.0, 60.0, 120.0, 600.0, 3600.0)


@dataclass(frozen=True, slots=True)
class PairCounts:
    """Numbers of pairs under some rules.

    >>> PairCounts(PairRules(), frames=40, left_out=0, kept=30, ambiguous=2, judged=20, wrong=3).wrong_share
    0.15
    """

    rules: PairRules
    """The rules."""
    frames: int
    """Pairs of frames that were compared."""
    left_out: int
    """Pairs of frames that were left out because one shows several animals."""
    kept: int
    """Pairs of detections."""
    ambiguous: int
    """Pairs with another possible partner in the same frames."""
    judged: int
    """Pairs of which both individuals are known."""
    wrong: int
    """Judged pairs of two different individuals."""

    @property
    def wrong_share(self) -> float | None:
        """Share of wrong pairs among those judged, None if no pair is judged."""
        return self.wrong / self.judged if self.judged else None


@dataclass(frozen=True, slots=True)
class Drift:
    """How often consecutive frames of a camera show the same animal, by the gap between them.

    >>> Drift(10.0, 60.0, pairs=24, same=13).same / 24 > 0.5
    True
    """

    least_s: float
    """Least gap, seconds."""
    below_s: float
    """The gap is less than this, seconds."""
    pairs: int
    """Pairs of consecutive frames that both show a known individual."""
    same: int
    """Pairs that share an individual."""


def count_pairs(detections: BoxedDetections, pairs: TemporalPairs, rules: PairRules) -> PairCounts:
    """Numbers of pairs that were found under some rules."""
    judged, wrong = judge_pairs(detections, pairs)
    return PairCounts(
        rules=rules,
        frames=pairs.frames,
        left_out=pairs.left_out,
        kept=len(pairs),
        ambiguous=int(pairs.ambiguous.sum()),
        judged=int(judged.sum()),
        wrong=int(wrong.sum()),
    )


def judge_pairs(detections: BoxedDetections, pairs: TemporalPairs) -> tuple[BoolArray, BoolArray]:
    """Which pairs have two known individuals, and which of those have different ones; (m,) each."""
    one, other = detections.individual[pairs.first], detections.individual[pairs.second]
    judged: BoolArray = (one >= 0) & (other >= 0)
    return judged, judged & (one != other)


def sweep_pairs(
    detections: BoxedDetections,
    rules: PairRules,
    *,
    overlaps: Sequence[float] = OVERLAPS,
    gaps_s: Sequence[float] = GAPS_S,
) -> list[PairCounts]:
    """The counts for each least overlap and each least gap, those of the rules among them, in this order.

    Gaps above the largest gap of the rules are left out.
    """
    allowed = sorted({gap_s for gap_s in (*gaps_s, rules.least_gap_s) if gap_s <= rules.largest_gap_s})
    tried = (
        replace(rules, least_overlap=overlap, least_gap_s=gap_s)
        for overlap in sorted({*overlaps, rules.least_overlap})
        for gap_s in allowed
    )
    return [count_pairs(detections, find_pairs(detections, one), one) for one in tried]


def measure_drift(detections: BoxedDetections, limits_s: Sequence[float] = DRIFT_S) -> list[Drift]:
    """How often consecutive frames of a camera show the same animal, by the gap between them.

    limits_s: limits of the gaps, ascending. Frames without a known individual are passed over.
    """
    seen = [(gap_s, same) for gap_s, same in _consecutive(detections)]
    gap_s = np.array([gap_s for gap_s, _ in seen], dtype=np.float64)
    same = np.array([same for _, same in seen], dtype=np.bool_)
    rows = []
    for least_s, below_s in pairwise(limits_s):
        inside = (gap_s >= least_s) & (gap_s < below_s)
        rows.append(Drift(least_s, below_s, pairs=int(inside.sum()), same=int((inside & same).sum())))
    return rows


def _consecutive(detections: BoxedDetections) -> Iterator[tuple[float, bool]]:
    """Seconds between consecutive frames of a camera, and whether they share a known individual."""
    placed = (detections.camera >= 0) & np.isfinite(detections.time_s)
    for frames, time_s in camera_frames(detections, placed):
        known = [{*detections.individual[rows].tolist()} - {-1} for rows in frames]
        for index in range(1, len(frames)):
            one, other = known[index - 1], known[index]
            if one and other:
                yield float(time_s[index] - time_s[index - 1]), bool(one & other)
