"""Temporal pairs: two photographs of one camera that most likely show the same animal, found without names.

An animal that stays before a camera is photographed again a little later, at much the same place of the
picture. Such pairs are two views of one animal for self-supervised learning, and what differs between them,
pose and light, is what a backbone should not care about. A pair is never certain: `drift` and `sweep` say how
often it is wrong where names are known.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import scipy

from spotted.arrays import BoolArray, Float64Array, IntArray
from spotted.errors import InvalidInputError
from spotted.training.pairs.detections import BoxedDetections
from spotted.training.pairs.overlap import box_overlaps

Several: TypeAlias = Literal["assign", "leave-out"]
SEVERAL: tuple[Several, ...] = ("assign", "leave-out")


@dataclass(frozen=True, slots=True)
class PairRules:
    """Which boxes of which frames of a camera are a pair.

    >>> PairRules(least_gap_s=300.0, largest_gap_s=60.0)
    Traceback (most recent call last):
    spotted.errors.InvalidInputError: frames 300 to 60 s apart: the least gap exceeds the largest; swap them
    """

    least_overlap: float = 0.2
    """Least intersection over union of the two boxes (paper: 0.2)."""
    least_gap_s: float = 120.0
    """Frames are at least this far apart (paper: 120 s), so that the second view is another one."""
    largest_gap_s: float = 600.0
    """Frames are at most this far apart: the longer, the more often another animal has come."""
    several: Several = "assign"
    """If a frame shows several animals: assign them so that the overlaps add up to most, or leave it out."""

    def __post_init__(self) -> None:
        if not 0.0 < self.least_overlap <= 1.0:
            raise InvalidInputError(
                f"least overlap {self.least_overlap:g}; give more than 0, at most 1", field="least_overlap"
            )
        if not 0.0 <= self.least_gap_s <= self.largest_gap_s:
            raise InvalidInputError(
                f"frames {self.least_gap_s:g} to {self.largest_gap_s:g} s apart: the least gap exceeds the "
                "largest; swap them",
                field="least_gap_s",
            )
        if self.several not in SEVERAL:
            raise InvalidInputError(
                f"several animals in a frame: {self.several!r}; use {' or '.join(SEVERAL)}", field="several"
            )


@dataclass(frozen=True, slots=True)
class TemporalPairs:
    """Pairs of detections that most likely show one animal, by rows of the detections.

    >>> later = np.array([0.0, 150.0])
    >>> same = np.zeros(2, dtype=np.int64)
    >>> corners = np.array([[0.1, 0.1, 0.5, 0.5], [0.2, 0.1, 0.6, 0.5]])
    >>> columns = BoxedDetections(same, later, np.arange(2), corners, same - 1, same - 1)
    >>> pairs = find_pairs(columns, PairRules())
    >>> pairs.first.tolist(), pairs.second.tolist(), pairs.overlap.round(2).tolist()
    ([0], [1], [0.6])
    """

    first: IntArray
    """(m,) rows of the earlier detections."""
    second: IntArray
    """(m,) rows of the later detections."""
    overlap: Float64Array
    """(m,) intersection over union of the two boxes."""
    gap_s: Float64Array
    """(m,) seconds between the two frames."""
    ambiguous: BoolArray
    """(m,) whether one of the two boxes also overlaps enough with another box of the other frame."""
    frames: int
    """Pairs of frames that were compared."""
    left_out: int
    """Pairs of frames that were left out because one shows several animals."""

    def __len__(self) -> int:
        return len(self.first)


def find_pairs(detections: BoxedDetections, rules: PairRules) -> TemporalPairs:
    """The temporal pairs of a survey, ordered by camera and time.

    Each frame is compared with the first frame of its camera that is at least the least gap later, if that is
    not later than the largest gap. Of two detections of known, different species no pair is made; names of
    individuals are not used. Detections without camera, time or box are in no pair.
    """
    found: list[tuple[int, int, float, float, bool]] = []
    frames = left_out = 0
    for early, late, gap_s in _frame_pairs(detections, rules):
        frames += 1
        if rules.several == "leave-out" and max(len(early), len(late)) > 1:
            left_out += 1
            continue
        overlaps = box_overlaps(detections.corners[early], detections.corners[late])
        possible = overlaps >= rules.least_overlap
        possible &= _one_species(detections.species[early], detections.species[late])
        for one, other in _assigned(overlaps, possible):
            rivals = possible[one].sum() + possible[:, other].sum() > len(("one", "other"))
            found.append(
                (int(early[one]), int(late[other]), float(overlaps[one, other]), gap_s, bool(rivals))
            )
    first, second, overlap, gaps_s, ambiguous = zip(*found, strict=True) if found else ((),) * 5
    return TemporalPairs(
        np.array(first, dtype=np.int64),
        np.array(second, dtype=np.int64),
        np.array(overlap, dtype=np.float64),
        np.array(gaps_s, dtype=np.float64),
        np.array(ambiguous, dtype=np.bool_),
        frames,
        left_out,
    )


def camera_frames(
    detections: BoxedDetections, chosen: BoolArray
) -> Iterator[tuple[list[IntArray], Float64Array]]:
    """For each camera the chosen rows of each frame, by time, and the times (f,) in seconds.

    chosen: (n,), only detections whose camera and time are known.
    """
    rows = np.flatnonzero(chosen)
    order = np.lexsort((rows, detections.frame[rows], detections.time_s[rows], detections.camera[rows]))
    rows = rows[order]
    for of_camera in _runs(rows, detections.camera):
        frames = _runs(of_camera, detections.frame)
        yield frames, detections.time_s[[rows[0] for rows in frames]]


def _frame_pairs(detections: BoxedDetections, rules: PairRules) -> Iterator[tuple[IntArray, IntArray, float]]:
    """The rows of two frames to be compared, and the seconds between them."""
    for frames, time_s in camera_frames(detections, detections.usable):
        here = np.arange(len(frames))
        # a least gap of 0 must not compare a frame with itself or with an earlier one of the same second
        later = np.maximum(np.searchsorted(time_s, time_s + rules.least_gap_s), here + 1)
        for one, other in zip(here.tolist(), later.tolist(), strict=True):
            if other < len(frames) and time_s[other] - time_s[one] <= rules.largest_gap_s:
                yield frames[one], frames[other], float(time_s[other] - time_s[one])


def _runs(rows: IntArray, values: IntArray) -> list[IntArray]:
    """The rows cut into runs of equal values."""
    if not len(rows):
        return []
    return np.split(rows, np.flatnonzero(np.diff(values[rows])) + 1)


def _one_species(early: IntArray, late: IntArray) -> BoolArray:
    """Whether two detections may be of one species, (n, m)."""
    possible: BoolArray = (early < 0)[:, None] | (late < 0)[None, :]
    possible |= early[:, None] == late[None, :]
    return possible


def _assigned(overlaps: Float64Array, possible: BoolArray) -> Iterator[tuple[int, int]]:
    """The possible pairs of boxes, each box at most once, whose overlaps add up to most."""
    if not possible.any():
        return
    # an impossible pair gains nothing, so it stands for none
    gain = np.where(possible, overlaps, 0.0)
    ones, others = scipy.optimize.linear_sum_assignment(gain, maximize=True)
    for one, other in zip(ones.tolist(), others.tolist(), strict=True):
        if possible[one, other]:
            yield one, other
