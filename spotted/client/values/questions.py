"""Questions to an annotator: pairs, bursts and galleries."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from spotted.survey import Detection


class QuestionKind(enum.IntEnum):
    """A kind of question; the values are those of `spotted.v1.QuestionKind`."""

    PAIR = 1
    """Two detections: the same animal?"""
    BURST = 2
    """The frames of a burst: are they one animal?"""
    GALLERY = 3
    """One detection beside several others: which of these show the same animal?"""


@dataclass(frozen=True, slots=True)
class PairQuery:
    """Two detections put to an annotator."""

    first: Detection
    """The detection with the smaller id."""
    second: Detection
    """The detection with the larger id."""
    reason: str
    """Why this pair is asked."""
    score: float
    """The score by which it was chosen, 0 to 1; 0 for a check of an earlier answer or a random pair."""
    distance_m: float | None
    """Between the cameras, metres; None if a position is unknown."""
    gap_s: float | None
    """Between the captures, seconds; None if a time is unknown."""
    needed_speed_kmh: float | None
    """distance / gap; None if unknown, infinite if the gap is 0."""
    lease_expires_at_s: float | None
    """When other annotators may be asked it, UTC seconds since 1970."""
    versions: tuple[int, int] = (0, 0)
    """Which of its images each detection has; the label repeats them."""
    station: str = ""
    """The station that two cameras share; "" if they share none, or are one camera."""
    calibrated: bool = False
    """Whether the score is a probability fitted to enough answers; if not, it only orders questions."""


@dataclass(frozen=True, slots=True)
class GroupQuery:
    """A burst or a gallery put to an annotator at once.

    `spotted.client.answers` makes the labels of a gallery and the answer to a burst.
    """

    kind: QuestionKind
    """BURST or GALLERY."""
    anchor: Detection | None
    """The detection that the others are compared with; None for a burst."""
    detections: tuple[Detection, ...]
    """The frames of a burst by time, or the candidates of a gallery, likeliest first."""
    reason: str
    """Why they are asked."""
    scores: tuple[float, ...]
    """One for each candidate of a gallery, as `PairQuery.score`; empty for a burst."""
    lease_expires_at_s: float | None
    """When other annotators may be asked it, UTC seconds since 1970."""
    versions: tuple[int, ...] = ()
    """As `PairQuery.versions`, in the order shown, the anchor of a gallery first; empty if unknown."""
    calibrated: bool = False
    """Whether all scores are probabilities, as `PairQuery.calibrated`."""


@dataclass(frozen=True, slots=True)
class Questions:
    """The next questions, leased to one annotator."""

    pairs: tuple[PairQuery, ...]
    """Pairs of detections."""
    groups: tuple[GroupQuery, ...]
    """Bursts and galleries, if the caller shows them."""
    finished: bool
    """True if nothing is left to ask anyone; empty and False: all open pairs are leased to others."""
    notice: str = ""
    """A text for an annotator who has no answers yet although others have; "" otherwise."""
