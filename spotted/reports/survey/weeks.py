"""Detections of each camera by week, and the periods in which it saw nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from itertools import pairwise

from spotted.reports.survey.facts import SurveyFacts
from spotted.reports.survey.instants import day_text, local_day
from spotted.survey import Camera

# columns that a page can show; a longer survey has columns of several weeks
MOST_COLUMNS = 27
# a camera without a detection for this long is listed
SILENT_DAYS = 14
WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Silence:
    """A period in which an operating camera saw no animal."""

    camera_id: str
    first: date
    """First day without a detection."""
    last: date
    """Last day without a detection."""

    @property
    def days(self) -> int:
        """Its length."""
        return (self.last - self.first).days + 1

    @property
    def text(self) -> str:
        """The period as a phrase.

        >>> Silence("A1", date(2023, 6, 1), date(2023, 6, 20)).text
        'A1: 1 Jun 2023 to 20 Jun 2023 (20 days)'
        """
        return f"{self.camera_id}: {day_text(self.first)} to {day_text(self.last)} ({self.days} days)"


@dataclass(frozen=True, slots=True)
class CameraRow:
    """The detections of one camera."""

    camera_id: str
    """ "" for detections without a camera."""
    counts: tuple[int | None, ...]
    """By column; None if the camera did not operate and saw nothing."""
    total: int
    """Detections with a known time."""


@dataclass(frozen=True, slots=True)
class WeekTable:
    """Detections by camera and week."""

    columns: tuple[date, ...]
    """The Monday with which each column begins."""
    weeks_each: int
    """Weeks of a column."""
    rows: tuple[CameraRow, ...]
    """By camera id, detections without a camera last."""
    silences: tuple[Silence, ...]
    """The longest first."""
    without_time: int
    """Detections that are in no column."""


def count_by_week(facts: SurveyFacts) -> WeekTable:
    """The detections of a survey by camera and week of its zone.

    >>> from spotted.survey import Detection
    >>> day_s = 86_400.0
    >>> seen = [Detection("a", "A1", 4 * day_s), Detection("b", "A1", 12 * day_s)]
    >>> facts = SurveyFacts("ridge", [Camera("A1")], seen, start_s=0.0, end_s=14 * day_s)
    >>> [row.counts for row in count_by_week(facts).rows]
    [(0, 1, 1)]
    """
    timed = [
        (d.camera_id, local_day(d.captured_at_s, facts.zone))
        for d in facts.detections
        if d.captured_at_s is not None
    ]
    days: dict[str, list[date]] = {camera.camera_id: [] for camera in facts.cameras}
    for camera_id, day in timed:
        days.setdefault(camera_id, []).append(day)
    first, last = _period(facts, [day for _, day in timed])
    columns, weeks_each = _columns(first, last)
    operating = {camera.camera_id: _operating(camera, first, last, facts.zone) for camera in facts.cameras}
    order = sorted(days, key=lambda one: (not one, one))
    rows = [_row(one, days[one], columns, weeks_each, operating.get(one)) for one in order]
    silences = [silence for one, period in operating.items() for silence in _silences(one, period, days[one])]
    return WeekTable(
        columns=columns,
        weeks_each=weeks_each,
        rows=tuple(rows),
        silences=tuple(sorted(silences, key=lambda one: (-one.days, one.camera_id, one.first))),
        without_time=len(facts.detections) - len(timed),
    )


def _period(facts: SurveyFacts, days: Sequence[date]) -> tuple[date, date]:
    """The first and last day of the survey, or of a detection outside of it."""
    ends = [local_day(one, facts.zone) for one in (facts.start_s, facts.end_s)]
    return min([*ends, *days]), max([*ends, *days])


def _columns(first: date, last: date) -> tuple[tuple[date, ...], int]:
    monday = first - timedelta(days=first.weekday())
    weeks = (last - monday).days // 7 + 1
    each = -(-weeks // MOST_COLUMNS)
    return tuple(monday + week * WEEK for week in range(0, weeks, each)), each


def _operating(camera: Camera, first: date, last: date, zone: tzinfo) -> tuple[date, date]:
    start = first if camera.start_s is None else max(first, local_day(camera.start_s, zone))
    end = last if camera.end_s is None else min(last, local_day(camera.end_s, zone))
    return start, end


def _row(
    camera_id: str,
    days: Sequence[date],
    columns: Sequence[date],
    weeks_each: int,
    operating: tuple[date, date] | None,
) -> CameraRow:
    seen = Counter((day - columns[0]).days // (7 * weeks_each) for day in days)
    counts = []
    for index, begins in enumerate(columns):
        ends = begins + weeks_each * WEEK - timedelta(days=1)
        on = operating is not None and operating[0] <= ends and operating[1] >= begins
        counts.append(seen[index] if on or seen[index] else None)
    return CameraRow(camera_id, tuple(counts), len(days))


def _silences(camera_id: str, operating: tuple[date, date], days: Sequence[date]) -> list[Silence]:
    """The periods of at least SILENT_DAYS between the start, the detections and the end of a camera."""
    day = timedelta(days=1)
    start, end = operating
    marks = [start - day, *sorted({one for one in days if start <= one <= end}), end + day]
    found = [Silence(camera_id, before + day, after - day) for before, after in pairwise(marks)]
    return [one for one in found if one.days >= SILENT_DAYS]
