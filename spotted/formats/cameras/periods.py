"""Cameras with several periods: moved, repaired, or set up again in another season.

A camera is one position for one period, so each further period is a camera of its own, `A#2`, `A#3` ...; a
photograph belongs to the period that contains its time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from spotted.formats.timestamps import DAY_S, PERIOD_TOLERANCE_S
from spotted.survey import Camera

Positions = dict[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class CameraTable:
    """The cameras of a table, one for each period.

    >>> first = Camera("A", 0.0, 0.0, start_s=0.0, end_s=9.0)
    >>> second = Camera("A#2", 500.0, 0.0, start_s=1000.0, end_s=2000.0)
    >>> table = CameraTable({"A": first, "A#2": second}, {}, {"A": ("A", "A#2")})
    >>> table.camera_at("A", 5.0), table.camera_at("A", 1500.0), table.camera_at("A", None)
    ('A', 'A#2', '')
    """

    cameras: dict[str, Camera]
    """By id."""
    positions: Positions = field(default_factory=dict)
    """Latitude and longitude by camera id; other cameras have metres, or no position."""
    periods: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Ids of the periods of each camera that has several, by its id in the table."""

    def camera_at(self, camera_id: str, time_s: float | None) -> str:
        """Id of the camera for a photograph; "" if it could be any of several positions.

        Between two periods it is the nearer one, and among those of one position the first.
        """
        ids = self.periods.get(camera_id, (camera_id,))
        if len(ids) == 1:
            return ids[0]
        distances = {i: 0.0 if time_s is None else _outside_s(self.cameras[i], time_s) for i in ids}
        nearest = min(distances.values())
        near = [i for i in ids if distances[i] <= max(nearest, PERIOD_TOLERANCE_S)]
        inside = [i for i in near if distances[i] == 0.0] or near[:1]
        # at the instant of a move the later period has begun
        inside = [i for i in inside if self.cameras[i].start_s == time_s is not None] or inside
        return inside[0] if len({self.place(i) for i in inside}) == 1 else ""

    def place(self, camera_id: str) -> tuple[float | None, ...]:
        """The position of a camera, whatever its unit."""
        camera = self.cameras[camera_id]
        return self.positions.get(camera_id, (camera.x_m, camera.y_m))

    def notes(self) -> list[str]:
        """A note if a camera has several periods."""
        if not self.periods:
            return []
        camera_id, ids = next(iter(self.periods.items()))
        count = f"{len(self.periods):,} camera" + ("s" if len(self.periods) > 1 else "")
        listed = ", ".join(repr(i) for i in ids)
        return [f"{count} with several periods, such as {camera_id!r}; each period is a camera: {listed}"]

    def stations(self) -> dict[str, str]:
        """The id of the station of each camera with several periods: the first period at its position."""
        first_at: dict[tuple[str, tuple[float | None, ...]], str] = {}
        return {
            period: first_at.setdefault((camera_id, self.place(period)), period)
            for camera_id, periods in self.periods.items()
            for period in periods
        }


def period_id(camera_id: str, number: int) -> str:
    """The id of a period of a camera, counted from 1: `A`, `A#2`, ..."""
    return camera_id if number == 1 else f"{camera_id}#{number}"


def without_downtime(camera: Camera, down: Sequence[tuple[float, float]]) -> list[Camera]:
    """The periods of a camera between its downtimes, (start, end) in UTC seconds; their ids are those of it.

    >>> camera = Camera("A", start_s=0.0, end_s=100.0)
    >>> [(c.start_s, c.end_s) for c in without_downtime(camera, [(90.0, 100.0), (20.0, 30.0)])]
    [(0.0, 20.0), (30.0, 90.0)]
    """
    periods, start_s = [], camera.start_s
    for from_s, to_s in sorted(down):
        if start_s is None or from_s > start_s:
            periods.append(replace(camera, start_s=start_s, end_s=from_s))
        start_s = to_s if start_s is None else max(start_s, to_s)
    if camera.end_s is None or start_s is None or start_s < camera.end_s:
        periods.append(replace(camera, start_s=start_s))
    return periods


def closed(periods: Sequence[Camera]) -> list[Camera]:
    """The periods of one camera, an open end closed where the next period starts."""
    starts = sorted(c.start_s for c in periods if c.start_s is not None)
    return [
        replace(c, end_s=next((s for s in starts if c.start_s is not None and s > c.start_s), None))
        if c.end_s is None
        else c
        for c in periods
    ]


def overlap_s(first: Camera, second: Camera) -> float:
    """How long two periods overlap, seconds; an open end has no limit."""
    start_s = max(_start(first), _start(second))
    return max(0.0, min(_end(first), _end(second)) - start_s)


def is_at_two_places(first: Camera, second: Camera) -> bool:
    """Whether two periods overlap by more than the day on which a camera is moved."""
    return overlap_s(first, second) > DAY_S


def _outside_s(camera: Camera, time_s: float) -> float:
    return max(0.0, _start(camera) - time_s, time_s - _end(camera))


def _start(camera: Camera) -> float:
    return -math.inf if camera.start_s is None else camera.start_s


def _end(camera: Camera) -> float:
    return math.inf if camera.end_s is None else camera.end_s
