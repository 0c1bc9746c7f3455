"""The candidates of a detection, and the evidence for one pair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from spotted.client.values.surveys import ScoreSpec
from spotted.ranking.rules import CandidateRule


@dataclass(frozen=True, slots=True)
class CandidateFilter:
    """Which detections may be candidates; every rule that is set must hold.

    >>> CandidateFilter(camera_ids=("CAM07",), exclude_same_encounter=True).known_individuals_only
    False
    """

    comparable_sides_only: bool = False
    """Leave out the other flank; detections of unknown side stay in."""
    exclude_same_encounter: bool = False
    """Leave out detections of the query's own encounter."""
    camera_ids: tuple[str, ...] = ()
    """Only these cameras; empty for all."""
    captured_from_s: float | None = None
    """Only at or after this instant, UTC seconds since 1970; leaves out detections without a time."""
    captured_before_s: float | None = None
    """Only before this instant, UTC seconds since 1970; leaves out detections without a time."""
    known_individuals_only: bool = False
    """Only detections with an individual_id."""
    exclude_individual_ids: tuple[str, ...] = ()
    """Leave out the detections of these individuals."""
    species: tuple[str, ...] = ()
    """Only detections of these species; empty for all."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A detection that may show the same animal, with its evidence."""

    detection_id: str
    """Which detection."""
    visual: float
    """max(0, cosine), 0 to 1."""
    feasibility: float | None
    """0 to 1; None if a position or time is missing, and `fused` is then the visual score."""
    fused: float
    """The score that ranks, under the fusion asked for."""
    reason: str
    """The feasibility as a phrase, such as "needs 4.1 km/h between CAM07 and CAM12"."""
    individual_id: str
    """Known identity; "" if unknown."""
    local: float | None = None
    """Local score, at least 0; None if the pair was not matched."""
    matched_marks: int = 0
    """Number of matched marks."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """The candidates of one detection."""

    detection_id: str
    """The query."""
    candidates: tuple[Candidate, ...]
    """Best first; equal scores are ordered by detection id."""
    compared: int
    """Detections that were compared, after the filter and without the image's other animals."""
    excluded: Mapping[CandidateRule, int]
    """Detections left out by each rule; rules that left out none are not listed."""
    fallback: str = ""
    """Why another fusion than the one asked for was used, and the remedy; "" if it was not."""


@dataclass(frozen=True, slots=True)
class MatchedPoint:
    """A mark of one detection matched with one of the other, as fractions of the sides of both crops."""

    first_x: float
    """In the first detection, from the left."""
    first_y: float
    """In the first detection, from the top."""
    second_x: float
    """In the second detection, from the left."""
    second_y: float
    """In the second detection, from the top."""
    weight: float
    """Its part of the local score."""


@dataclass(frozen=True, slots=True)
class PairExplanation:
    """Everything known about one pair."""

    visual: float
    """max(0, cosine), 0 to 1."""
    feasibility: float | None
    """0 to 1; None if a position or time is missing."""
    fused: float
    """The score under the fusion asked for."""
    distance_m: float | None
    """Between the cameras, metres; None if a position is unknown."""
    gap_s: float | None
    """Between the captures, seconds; None if a time is unknown."""
    needed_speed_kmh: float | None
    """distance / gap; None if unknown, infinite if the gap is 0."""
    percentile: float
    """Share, 0 to 100, of all detections that the first scores below the second."""
    reason: str
    """The feasibility as a phrase."""
    score_spec: ScoreSpec
    """The spec of the scores."""
    station: str = ""
    """The station that two cameras share; "" if they share none, or are one camera."""
    local: float | None = None
    """Local score, at least 0; None if the pair was not matched."""
    matched_marks: int = 0
    """Number of matched marks."""
    matched_points: tuple[MatchedPoint, ...] = ()
    """The matched marks, those of most weight first, at most 100."""
