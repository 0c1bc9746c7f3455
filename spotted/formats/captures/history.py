"""Capture histories: which individual was seen on which occasion at which camera.

For closed-population models a table individual x occasion; for spatial capture-recapture the rows session,
individual, occasion, camera (the `captures` of R's secr, the edf of oSCR), with the positions of the cameras
and their usage by occasion (the `traps` of secr, the tdf of oSCR).

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from spotted.arrays import BoolArray, Float64Array
from spotted.formats.captures.effort import (
    find_periods,
    find_usage,
    group_cameras,
    measure_effort,
    place_station,
)
from spotted.formats.captures.occasions import Calendar
from spotted.formats.imported_survey import format_count
from spotted.survey import Camera, Detection, Survey

# a quarter of an hour: the effort of a station that took a photograph outside its periods
LEAST_DAYS = 0.01


@dataclass(frozen=True, slots=True)
class Capture:
    """One individual at one camera on one occasion, with the number of its detections."""

    individual_id: str
    occasion: int
    camera_id: str
    detections: int


@dataclass(frozen=True, slots=True)
class CaptureHistory:
    """The captures of a survey."""

    session: str
    """The survey id."""
    first_day: date
    """Day on which occasion 1 begins, in the time zone of the occasions."""
    occasion_days: int
    """Length of an occasion in days."""
    individual_ids: tuple[str, ...]
    """Sorted ids of the individuals with a capture."""
    cameras: tuple[Camera, ...]
    """The stations of the survey, sorted by id: one camera each, or several that count as one trap."""
    usage: BoolArray
    """(stations, occasions), True if a camera of the station operated during any part of the occasion, or
    took a photograph on it."""
    effort_days: Float64Array
    """(stations, occasions), days during which at least one camera of the station operated; more than 0 where
    it was used."""
    captures: tuple[Capture, ...]
    """Sorted by individual, occasion and camera."""
    notes: tuple[str, ...]
    """How many detections were left out and why, and which cameras have no period."""

    @property
    def occasions(self) -> int:
        """The number of occasions."""
        return int(self.usage.shape[1])

    def seen(self) -> BoolArray:
        """(individuals, occasions), True if the individual was detected at any camera."""
        row_of = {individual_id: row for row, individual_id in enumerate(self.individual_ids)}
        table = np.zeros((len(row_of), self.occasions), dtype=np.bool_)
        for capture in self.captures:
            table[row_of[capture.individual_id], capture.occasion - 1] = True
        return table


def build_capture_history(
    survey: Survey,
    detections: Iterable[Detection],
    individuals: Mapping[str, str],
    *,
    occasion_days: int = 1,
    timezone: str = "UTC",
    day_starts_at_h: float = 0.0,
) -> CaptureHistory:
    """The capture history of a survey whose detections have individuals.

    individuals: individual id by detection id; a detection without one is left out, and a note says how many.
    occasion_days: length of an occasion in days of `timezone`; the end of the survey may cut the last one.
    day_starts_at_h: the hour at which a day begins, e.g. 12 for nocturnal animals.
    The cameras of one station, such as a pair or the periods of one camera, are one trap. Occasion 1 begins
    with the day on which the survey starts. A camera without a period counts as operating from its first to
    its last detection, and a note says so. Raises InvalidInputError for an unknown zone, a length below one
    day, or an hour outside the day.

    >>> day_s = 86_400.0
    >>> survey = Survey("ridge", 0.0, 3 * day_s - 1, "Ridge", {"C1": Camera("C1"), "C2": Camera("C2")})
    >>> detections = [
    ...     Detection("d1", "C1", captured_at_s=0.2 * day_s),
    ...     Detection("d2", "C2", captured_at_s=2.5 * day_s),
    ...     Detection("d3", "C1", captured_at_s=1.5 * day_s),
    ... ]
    >>> history = build_capture_history(survey, detections, {"d1": "Asha", "d2": "Asha", "d3": "Tau"})
    >>> history.individual_ids
    ('Asha', 'Tau')
    >>> history.seen().astype(int)
    array([[1, 0, 1],
           [0, 1, 0]])
    """
    calendar = Calendar.starting(
        survey.start_s, timezone=timezone, occasion_days=occasion_days, day_starts_at_h=day_starts_at_h
    )
    occasions = calendar.last_occasion(survey.end_s, survey.start_s)
    known = list(detections)
    counts, left_out = _counts(known, individuals, calendar, survey)
    members = group_cameras(survey.cameras)
    periods, without = find_periods(survey, known)
    captures = tuple(Capture(*key, detections=counts[key]) for key in sorted(counts))
    usage = find_usage(members, periods, calendar, occasions)
    rows = {station: row for row, station in enumerate(members)}
    for capture in captures:
        if capture.camera_id in rows:
            usage[rows[capture.camera_id], capture.occasion - 1] = True
    effort_days = measure_effort(members, periods, calendar, occasions)
    notes = [f"{format_count(n, 'detection')} left out: {why}" for why, n in sorted(left_out.items())]
    if without:
        notes.append(
            f"{format_count(len(without), 'camera')} without a period, such as {without[0]!r}, count as "
            "operating from the first to the last detection; give start and end to count the whole effort"
        )
    return CaptureHistory(
        session=survey.survey_id,
        first_day=calendar.first,
        occasion_days=occasion_days,
        individual_ids=tuple(sorted({capture.individual_id for capture in captures})),
        cameras=tuple(place_station(station, cameras) for station, cameras in members.items()),
        usage=usage,
        effort_days=np.where(usage, np.maximum(effort_days, LEAST_DAYS), 0.0),
        captures=captures,
        notes=tuple(notes),
    )


def _counts(
    detections: Iterable[Detection],
    individuals: Mapping[str, str],
    calendar: Calendar,
    survey: Survey,
) -> tuple[Counter[tuple[str, int, str]], Counter[str]]:
    counts: Counter[tuple[str, int, str]] = Counter()
    left_out: Counter[str] = Counter()
    last = calendar.last_occasion(survey.end_s, survey.start_s)
    for detection in detections:
        individual_id = individuals.get(detection.detection_id, "")
        time_s = detection.captured_at_s
        if not individual_id:
            left_out["without an individual"] += 1
        elif time_s is None or not detection.camera_id:
            left_out["without a time or a camera"] += 1
        else:
            occasion = min(calendar.occasion(time_s), last) if time_s <= survey.end_s else last + 1
            if 1 <= occasion <= last:
                camera = survey.cameras.get(detection.camera_id, Camera(detection.camera_id))
                counts[individual_id, occasion, camera.station_id] += 1
            else:
                left_out["outside the period of the survey"] += 1
    return counts, left_out
