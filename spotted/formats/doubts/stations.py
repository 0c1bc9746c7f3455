"""Cameras of one station, such as a pair on both sides of a trail, and stations that cannot be one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from spotted.formats.problems import Problems
from spotted.outliers import largest_distance_m
from spotted.survey import STATION_EXTENT_M, Camera

_SHOWN = 3


def settle_stations(
    cameras: Mapping[str, Camera], periods: Mapping[str, str], problems: Problems
) -> tuple[dict[str, Camera], list[str]]:
    """The cameras with their stations, and a note if several share one.

    periods: the station of each camera that is a period of another one; it counts unless the files name one.
    Of a station whose cameras are more than STATION_EXTENT_M apart each camera is a station of its own, which
    is recorded as a doubt.

    >>> pair = {name: Camera(name, x_m, 0.0, station="ford") for name, x_m in (("A", 0.0), ("B", 12.0))}
    >>> settle_stations(pair, {}, Problems())[1]
    ["1 station with several cameras, such as 'ford' ('A', 'B')"]
    """
    members: defaultdict[str, list[Camera]] = defaultdict(list)
    for camera in cameras.values():
        if camera.station:
            members[camera.station].append(camera)
    extents_m = {station: _extent_m(own) for station, own in members.items()}
    wide = {station for station, extent_m in extents_m.items() if extent_m > STATION_EXTENT_M}
    for station in wide:
        problems.doubt(
            f"station {station!r}: its {len(members[station])} cameras lie up to "
            f"{extents_m[station] / 1000:.1f} km apart; each is taken as a station of its own; correct a "
            "position, or give each place its own station",
            cause=("wide station", station),
        )
    settled = {
        camera_id: replace(
            camera,
            station=camera.station
            if camera.station and camera.station not in wide
            else periods.get(camera_id, ""),
        )
        for camera_id, camera in cameras.items()
    }
    shared = {s: [c.camera_id for c in own] for s, own in members.items() if len(own) > 1 and s not in wide}
    return settled, [_note(shared)] if shared else []


def _extent_m(cameras: list[Camera]) -> float:
    positions = [(c.x_m, c.y_m) for c in cameras if c.x_m is not None and c.y_m is not None]
    return largest_distance_m(np.array(positions, dtype=np.float64).reshape(-1, 2))


def _note(shared: Mapping[str, list[str]]) -> str:
    station, ids = next(iter(shared.items()))
    count = f"{len(shared):,} station" + ("s" if len(shared) > 1 else "")
    listed = ", ".join(map(repr, ids[:_SHOWN])) + (", ..." if len(ids) > _SHOWN else "")
    return f"{count} with several cameras, such as {station!r} ({listed})"
