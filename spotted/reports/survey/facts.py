"""The stored survey and session that a report describes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo

from spotted.survey import Camera, Detection, Side


@dataclass(frozen=True, slots=True)
class FoundIndividual:
    """An individual of a session with its detections.

    >>> seen = [Detection("d1", "A1", 50.0, side=Side.LEFT), Detection("d2", "A2", 20.0, side=Side.RIGHT)]
    >>> sita = FoundIndividual("Sita", seen)
    >>> sita.first_s, sita.cameras, sita.both_flanks
    (20.0, ('A1', 'A2'), True)
    """

    name: str
    """Its name, or else its id."""
    detections: Sequence[Detection]
    """Its detections in any order."""

    def in_time(self) -> list[Detection]:
        """The detections by time, those without one last."""
        return sorted(self.detections, key=lambda d: (_or_inf(d.captured_at_s), d.detection_id))

    @property
    def first_s(self) -> float | None:
        """The earliest capture, UTC seconds; None if no time is known."""
        return min((d.captured_at_s for d in self.detections if d.captured_at_s is not None), default=None)

    @property
    def last_s(self) -> float | None:
        """The latest capture, UTC seconds; None if no time is known."""
        return max((d.captured_at_s for d in self.detections if d.captured_at_s is not None), default=None)

    @property
    def cameras(self) -> tuple[str, ...]:
        """Ids of the cameras that saw it, sorted."""
        return tuple(sorted({d.camera_id for d in self.detections if d.camera_id}))

    @property
    def sides(self) -> frozenset[Side]:
        """The sides that are known."""
        return frozenset(d.side for d in self.detections) - {Side.UNKNOWN}

    @property
    def both_flanks(self) -> bool:
        """Whether the left and the right flank were photographed."""
        return {Side.LEFT, Side.RIGHT} <= self.sides


@dataclass(frozen=True, slots=True)
class SessionState:
    """How far the answers of a session go.

    >>> SessionState("main", answers=40, merges_left_at_most=3).finished
    False
    """

    session_id: str
    answers: int
    """Answers to pairs that stand."""
    finished: bool = False
    """Whether the individuals may be counted: nothing is left to ask, or at least 95 % is certain."""
    certain_share: float = 0.0
    """Largest share of the merges that is known with 95 % confidence; 0 if none is yet."""
    merges_left_at_most: int | None = None
    """With 95 % confidence; None if unknown."""
    questions_left: float | None = None
    """Matching pairs expected among the open questions, an estimate; None before there are enough answers."""
    answers_per_minute: float | None = None
    """At present; None without a rate."""
    pending: int = 0
    """Decisions that wait for another answer."""
    conflicts: Sequence[str] = ()
    """Answers that contradict others, each as a sentence."""


@dataclass(frozen=True, slots=True)
class SurveyFacts:
    """A survey and, if there is one, a session of it.

    >>> SurveyFacts("ridge", cameras=[Camera("A1")], detections=[]).session is None
    True
    """

    survey_id: str
    cameras: Sequence[Camera]
    detections: Sequence[Detection]
    start_s: float = 0.0
    """Start of the survey, UTC seconds since 1970."""
    end_s: float = 0.0
    """End of the survey, UTC seconds since 1970."""
    title: str = ""
    """Display name; "" for the id."""
    zone: tzinfo = UTC
    """The zone of days and times."""
    zone_name: str = ""
    """Its name; "" if the survey has none and UTC is used."""
    limit_kmh: float | None = None
    """The highest speed that the survey allows; None without one."""
    session: SessionState | None = None
    """None if nothing was asked yet."""
    individuals: Sequence[FoundIndividual] = ()
    """Those of the session, singletons included."""
    other_sessions: Sequence[str] = ()
    """Ids of the survey's other sessions."""

    @property
    def compared(self) -> bool:
        """Whether answers, or names that the session believes, joined photographs."""
        return self.session is not None and bool(self.session.answers or self.seen_again())

    def seen_again(self) -> list[FoundIndividual]:
        """The individuals with several detections, the one with most first."""
        several = [one for one in self.individuals if len(one.detections) > 1]
        return sorted(several, key=lambda one: (-len(one.detections), one.name))

    def singletons(self) -> list[FoundIndividual]:
        """The individuals with one detection, by time."""
        single = [one for one in self.individuals if len(one.detections) == 1]
        return sorted(single, key=lambda one: (_or_inf(one.first_s), one.name))


def _or_inf(value: float | None) -> float:
    return math.inf if value is None else value
