"""Capture histories: which individual was seen on which occasion, and where.

For closed-population models the table individual x occasion; for spatial capture-recapture the rows
session, individual, occasion, camera (the `captures` of R's secr, the edf of oSCR) with the cameras'
positions and their use by occasion (the `traps` of secr, the tdf of oSCR).
"""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

import numpy as np

from spotted.arrays import BoolArray
from spotted.errors import InvalidInputError
from spotted.formats.file_set import write_fileset
from spotted.formats.imported_survey import counted
from spotted.formats.row import absolute
from spotted.formats.timestamps import time_zone
from spotted.survey import Camera, Detection, Survey

HOURS_OF_DAY = 24.0


@dataclass(frozen=True, slots=True)
class Capture:
    """One individual at one camera on one occasion, with the number of its detections."""

    individual_id: str
    occasion: int
    camera_id: str
    detections: int


@dataclass(frozen=True, slots=True)
class CaptureHistory:
    """The captures of a survey.

    first_day: the day on which occasion 1 begins, in the time zone of the occasions.
    individual_ids, cameras: in the order of their ids.
    usage: (cameras, occasions), True where a camera operated for any part of an occasion.
    captures: by individual, occasion and camera.
    notes: what was left out and why.
    """

    session: str
    first_day: date
    occasion_days: int
    individual_ids: tuple[str, ...]
    cameras: tuple[Camera, ...]
    usage: BoolArray
    captures: tuple[Capture, ...]
    notes: tuple[str, ...]

    @property
    def occasions(self) -> int:
        """The number of occasions."""
        return int(self.usage.shape[1])

    def seen(self) -> BoolArray:
        """(individuals, occasions), True where an individual was detected at any camera."""
        row_of = {individual_id: row for row, individual_id in enumerate(self.individual_ids)}
        table = np.zeros((len(row_of), self.occasions), dtype=np.bool_)
        for capture in self.captures:
            table[row_of[capture.individual_id], capture.occasion - 1] = True
        return table


@dataclass(frozen=True, slots=True)
class _Calendar:
    """Instants to occasions: whole days of a time zone, begun at an hour of the day."""

    zone: tzinfo
    day_starts: timedelta
    first: date
    occasion_days: int

    def occasion(self, seconds: float) -> int:
        """The occasion of an instant, from 1; below 1 before the survey."""
        return (self.day(seconds, self.zone, self.day_starts) - self.first).days // self.occasion_days + 1

    @staticmethod
    def day(seconds: float, zone: tzinfo, day_starts: timedelta) -> date:
        # on the wall clock, so that a day of 23 or 25 hours is one day
        return (datetime.fromtimestamp(seconds, zone) - day_starts).date()


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

    individuals: individual id by detection id; a detection without one is left out and counted.
    occasion_days: length of an occasion in days of `timezone`; the last one may be cut by the survey's end.
    day_starts_at_h: the hour at which a day begins, such as 12 for animals of the night.
    Occasion 1 begins with the day of the survey's start. Raises InvalidInputError for an unknown zone, a
    length below one day, or an hour outside the day.
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
    occasions = calendar.occasion(survey.end_s)
    counts, left_out = _counts(detections, individuals, calendar, occasions)
    cameras = tuple(survey.cameras[camera_id] for camera_id in sorted(survey.cameras))
    captures = tuple(Capture(*key, detections=counts[key]) for key in sorted(counts))
    return CaptureHistory(
        session=survey.survey_id,
        first_day=first_day,
        occasion_days=occasion_days,
        individual_ids=tuple(sorted({capture.individual_id for capture in captures})),
        cameras=cameras,
        usage=_usage(cameras, calendar, occasions),
        captures=captures,
        notes=tuple(f"{counted(n, 'detection')} left out: {why}" for why, n in sorted(left_out.items())),
    )


def write_capture_history(
    history: CaptureHistory, target_directory: str | os.PathLike[str], *, overwrite: bool = False
) -> None:
    """Write `capture_history.csv`, `captures.csv` and `capture_cameras.csv` into a directory.

    capture_history.csv: individual, then 0 or 1 for each occasion.
    captures.csv: session, individual, occasion, camera, x_m, y_m, detections.
    capture_cameras.csv: camera, x_m, y_m, then 1 for each occasion on which it operated, else 0.
    Raises AlreadyExistsError where the directory is not empty and may not be overwritten.
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
    write_fileset(absolute(target_directory), contents, sources={}, overwrite=overwrite)


def _counts(
    detections: Iterable[Detection], individuals: Mapping[str, str], calendar: _Calendar, occasions: int
) -> tuple[Counter[tuple[str, int, str]], Counter[str]]:
    counts: Counter[tuple[str, int, str]] = Counter()
    left_out: Counter[str] = Counter()
    for detection in detections:
        individual_id = individuals.get(detection.detection_id, "")
        if not individual_id:
            left_out["without an individual"] += 1
        elif detection.captured_at_s is None or not detection.camera_id:
            left_out["without a time or a camera"] += 1
        elif not 1 <= (occasion := calendar.occasion(detection.captured_at_s)) <= occasions:
            left_out["outside the survey's time"] += 1
        else:
            counts[individual_id, occasion, detection.camera_id] += 1
    return counts, left_out


def _usage(cameras: Sequence[Camera], calendar: _Calendar, occasions: int) -> BoolArray:
    """(cameras, occasions), True where a camera operated; an open end reaches to the survey's."""
    usage = np.zeros((len(cameras), occasions), dtype=np.bool_)
    for row, camera in enumerate(cameras):
        first = 1 if camera.start_s is None else calendar.occasion(camera.start_s)
        last = occasions if camera.end_s is None else calendar.occasion(camera.end_s)
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
