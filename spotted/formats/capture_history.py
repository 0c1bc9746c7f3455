"""Capture histories: which individual was seen on which occasion at which camera.

For closed-population models a table individual x occasion; for spatial capture-recapture the rows session,
individual, occasion, camera (the `captures` of R's secr, the edf of oSCR), with the positions of the cameras
and their usage by occasion (the `traps` of secr, the tdf of oSCR).

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import csv
import io
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo

import numpy as np

from spotted.arrays import BoolArray
from spotted.errors import InvalidInputError
from spotted.formats.file_set import write_fileset
from spotted.formats.imported_survey import format_count
from spotted.formats.row import absolute_path
from spotted.formats.timestamps import time_zone
from spotted.survey import Camera, Detection, Survey

HOURS_OF_DAY = 24.0
# an end this shortly after midnight belongs to the day before
MIDNIGHT_S = 1e-3


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
    """(stations, occasions), True if a camera of the station operated during any part of the occasion."""
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


@dataclass(frozen=True, slots=True)
class _Calendar:
    """Maps instants to occasions: whole days of a time zone that begin at a given hour."""

    zone: tzinfo
    day_starts: timedelta
    first: date
    occasion_days: int

    def occasion(self, seconds: float) -> int:
        """The occasion of an instant, counted from 1; below 1 before the survey."""
        return (self.day(seconds, self.zone, self.day_starts) - self.first).days // self.occasion_days + 1

    def last_occasion(self, end_s: float, start_s: float) -> int:
        """The last occasion of a period: one that ends at midnight has no part of the day that begins."""
        return self.occasion(max(end_s - MIDNIGHT_S, start_s))

    @staticmethod
    def day(seconds: float, zone: tzinfo, day_starts: timedelta) -> date:
        # on the wall clock, so that a day of 23 or 25 hours is one day
        return (datetime.fromtimestamp(seconds, zone) - day_starts).date()


def build_capture_history(
    survey: Survey,
    detections: Iterable[Detection],
    individuals: Mapping[str, str],
    *,
    stations: Mapping[str, str] | None = None,
    occasion_days: int = 1,
    timezone: str = "UTC",
    day_starts_at_h: float = 0.0,
) -> CaptureHistory:
    """The capture history of a survey whose detections have individuals.

    individuals: individual id by detection id; a detection without one is left out, and a note says how many.
    stations: the station of each camera that shares one, by camera id (`ImportedSurvey.stations`): paired
        cameras and the periods of one camera are one trap.
    occasion_days: length of an occasion in days of `timezone`; the end of the survey may cut the last one.
    day_starts_at_h: the hour at which a day begins, e.g. 12 for nocturnal animals.
    Occasion 1 begins with the day on which the survey starts. A camera without a period counts as operating
    from its first to its last detection, and a note says so. Raises InvalidInputError for an unknown zone, a
    length below one day, or an hour outside the day.

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
    if occasion_days < 1:
        raise InvalidInputError(f"occasion_days is {occasion_days}; use 1 or more", field="occasion_days")
    if not 0.0 <= day_starts_at_h < HOURS_OF_DAY:
        raise InvalidInputError(
            f"day_starts_at_h is {day_starts_at_h}; use an hour from 0 to 23.99", field="day_starts_at_h"
        )
    zone, day_starts = time_zone(timezone), timedelta(hours=day_starts_at_h)
    first_day = _Calendar.day(survey.start_s, zone, day_starts)
    calendar = _Calendar(zone, day_starts, first_day, occasion_days)
    occasions = calendar.last_occasion(survey.end_s, survey.start_s)
    stations, known = stations or {}, list(detections)
    counts, left_out = _counts(known, individuals, calendar, survey, stations)
    traps = _traps(survey.cameras, stations)
    periods, without = _operating(survey, known)
    captures = tuple(Capture(*key, detections=counts[key]) for key in sorted(counts))
    notes = [f"{format_count(n, 'detection')} left out: {why}" for why, n in sorted(left_out.items())]
    if without:
        notes.append(
            f"{format_count(len(without), 'camera')} without a period, such as {without[0]!r}, count as "
            "operating from the first to the last detection; give start and end to count the whole effort"
        )
    return CaptureHistory(
        session=survey.survey_id,
        first_day=first_day,
        occasion_days=occasion_days,
        individual_ids=tuple(sorted({capture.individual_id for capture in captures})),
        cameras=tuple(_trap(station, members) for station, members in traps.items()),
        usage=_usage(traps, periods, calendar, occasions),
        captures=captures,
        notes=tuple(notes),
    )


def write_capture_history(
    history: CaptureHistory, target_directory: str | os.PathLike[str], *, overwrite: bool = False
) -> None:
    """Write `capture_history.csv`, `captures.csv` and `capture_cameras.csv` into a directory.

    capture_history.csv: individual, then 0 or 1 per occasion.
    captures.csv: session, individual, occasion, camera, x_m, y_m, detections.
    capture_cameras.csv: camera, x_m, y_m, then 1 per occasion on which it operated, else 0.
    Raises AlreadyExistsError if the directory is not empty and `overwrite` is False.
    """
    days = [f"o{occasion}" for occasion in range(1, history.occasions + 1)]
    positions = {camera.camera_id: _position(camera) for camera in history.cameras}
    seen = zip(history.individual_ids, history.seen().astype(int).tolist(), strict=True)
    usage = zip(positions.items(), history.usage.astype(int).tolist(), strict=True)
    long = [
        [history.session, c.individual_id, c.occasion, c.camera_id, *positions[c.camera_id], c.detections]
        for c in history.captures
    ]
    contents = {
        "capture_history.csv": _csv(["individual", *days], [[i, *row] for i, row in seen]),
        "captures.csv": _csv(
            ["session", "individual", "occasion", "camera", "x_m", "y_m", "detections"], long
        ),
        "capture_cameras.csv": _csv(
            ["camera", "x_m", "y_m", *days], [[camera, *position, *row] for (camera, position), row in usage]
        ),
    }
    write_fileset(absolute_path(target_directory), contents, sources={}, overwrite=overwrite)


def _counts(
    detections: Iterable[Detection],
    individuals: Mapping[str, str],
    calendar: _Calendar,
    survey: Survey,
    stations: Mapping[str, str],
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
                station = stations.get(detection.camera_id, detection.camera_id)
                counts[individual_id, occasion, station] += 1
            else:
                left_out["outside the period of the survey"] += 1
    return counts, left_out


def _traps(cameras: Mapping[str, Camera], stations: Mapping[str, str]) -> dict[str, list[Camera]]:
    """The cameras of each station, sorted by its id."""
    traps: defaultdict[str, list[Camera]] = defaultdict(list)
    for camera_id in sorted(cameras):
        traps[stations.get(camera_id, camera_id)].append(cameras[camera_id])
    return dict(sorted(traps.items()))


def _trap(station: str, members: Sequence[Camera]) -> Camera:
    """A station as one camera, in the middle of its cameras."""
    positions = [(c.x_m, c.y_m) for c in members if c.x_m is not None and c.y_m is not None]
    if not positions:
        return replace(members[0], camera_id=station, x_m=None, y_m=None)
    x_m, y_m = np.mean(positions, axis=0).tolist()
    return replace(members[0], camera_id=station, x_m=x_m, y_m=y_m)


def _operating(
    survey: Survey, detections: Iterable[Detection]
) -> tuple[dict[str, tuple[float, float]], list[str]]:
    """When each camera operated, and the ids of those without a period; an open end is that of the survey."""
    seen: defaultdict[str, list[float]] = defaultdict(list)
    for detection in detections:
        if detection.captured_at_s is not None:
            seen[detection.camera_id].append(detection.captured_at_s)
    periods: dict[str, tuple[float, float]] = {}
    without = []
    for camera_id, camera in sorted(survey.cameras.items()):
        if camera.start_s is None and camera.end_s is None:
            without.append(camera_id)
            if seen[camera_id]:
                periods[camera_id] = (min(seen[camera_id]), max(seen[camera_id]))
        else:
            start_s = survey.start_s if camera.start_s is None else camera.start_s
            periods[camera_id] = (start_s, survey.end_s if camera.end_s is None else camera.end_s)
    return periods, without


def _usage(
    traps: Mapping[str, Sequence[Camera]],
    periods: Mapping[str, tuple[float, float]],
    calendar: _Calendar,
    occasions: int,
) -> BoolArray:
    """(stations, occasions), True if a camera of the station operated."""
    usage = np.zeros((len(traps), occasions), dtype=np.bool_)
    for row, members in enumerate(traps.values()):
        for start_s, end_s in (periods[c.camera_id] for c in members if c.camera_id in periods):
            first, last = calendar.occasion(start_s), calendar.last_occasion(end_s, start_s)
            usage[row, max(first - 1, 0) : max(last, 0)] = True
    return usage


def _position(camera: Camera) -> tuple[str, str]:
    if camera.x_m is None or camera.y_m is None:
        return "", ""
    return f"{camera.x_m:.3f}", f"{camera.y_m:.3f}"


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()
