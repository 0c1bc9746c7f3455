"""When the stations of a survey operated: which cameras form one, and their effort by occasion.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from spotted.arrays import BoolArray, Float64Array
from spotted.formats.captures.occasions import Calendar
from spotted.survey import Camera, Detection, Survey

Periods = Mapping[str, tuple[float, float]]


def group_cameras(cameras: Mapping[str, Camera]) -> dict[str, tuple[Camera, ...]]:
    """The cameras of each station, sorted by its id."""
    members: defaultdict[str, list[Camera]] = defaultdict(list)
    for camera_id in sorted(cameras):
        members[cameras[camera_id].station_id].append(cameras[camera_id])
    return {station: tuple(members[station]) for station in sorted(members)}


def place_station(station: str, members: Sequence[Camera]) -> Camera:
    """A station as one camera, in the middle of its cameras."""
    positions = [(c.x_m, c.y_m) for c in members if c.x_m is not None and c.y_m is not None]
    if not positions:
        return replace(members[0], camera_id=station, station="", x_m=None, y_m=None)
    x_m, y_m = np.mean(positions, axis=0).tolist()
    return replace(members[0], camera_id=station, station="", x_m=x_m, y_m=y_m)


def find_periods(survey: Survey, detections: Iterable[Detection]) -> tuple[Periods, list[str]]:
    """When each camera operated, UTC seconds, and the ids of those without a period.

    An open end is that of the survey. A camera without a period operated from its first to its last
    detection.
    """
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


def find_usage(
    stations: Mapping[str, Sequence[Camera]], periods: Periods, calendar: Calendar, occasions: int
) -> BoolArray:
    """(stations, occasions), True if a camera of the station operated during any part of the occasion."""
    usage = np.zeros((len(stations), occasions), dtype=np.bool_)
    for row, members in enumerate(stations.values()):
        for start_s, end_s in (periods[c.camera_id] for c in members if c.camera_id in periods):
            first, last = calendar.occasion(start_s), calendar.last_occasion(end_s, start_s)
            usage[row, max(first - 1, 0) : max(last, 0)] = True
    return usage


def measure_effort(
    stations: Mapping[str, Sequence[Camera]], periods: Periods, calendar: Calendar, occasions: int
) -> Float64Array:
    """(stations, occasions), days during which at least one camera of the station operated.

    Two cameras at once count as one; a whole occasion counts as its number of days, also when clocks change.
    """
    limits = np.array([calendar.start_s(occasion) for occasion in range(1, occasions + 2)])
    effort = np.zeros((len(stations), occasions))
    for row, members in enumerate(stations.values()):
        for start_s, end_s in _joined(periods[c.camera_id] for c in members if c.camera_id in periods):
            shared = np.minimum(limits[1:], end_s) - np.maximum(limits[:-1], start_s)
            effort[row] += np.maximum(shared, 0.0)
    days: Float64Array = effort / np.diff(limits) * calendar.occasion_days
    return days


def _joined(periods: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The union of periods, as periods that do not overlap."""
    union: list[tuple[float, float]] = []
    for start_s, end_s in sorted(periods):
        if union and start_s <= union[-1][1]:
            union[-1] = (union[-1][0], max(union[-1][1], end_s))
        else:
            union.append((start_s, end_s))
    return union
