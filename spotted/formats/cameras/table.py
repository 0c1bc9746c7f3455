"""Tables of cameras: camera_id; x_m and y_m (metres, one projection) or latitude and longitude (WGS84).

Optional start, end (a day or a date and time), location_uncertainty_m, clock_suspect, station (the name that
cameras of one station share), and downtimes as problem1_from, problem1_to, problem2_from ... Several rows of
one camera are its periods.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path

from spotted.errors import InvalidInputError
from spotted.formats.cameras.periods import (
    CameraTable,
    Positions,
    closed,
    is_at_two_places,
    period_id,
    without_downtime,
)
from spotted.formats.csv_table import check_columns, read_table
from spotted.formats.problems import Problems
from spotted.formats.row import Row, check_camera_period
from spotted.survey import Camera

FARTHEST_M = 1e8
COLUMNS = (
    "camera_id",
    "x_m",
    "y_m",
    "latitude",
    "longitude",
    "start",
    "end",
    "location_uncertainty_m",
    "clock_suspect",
    "station",
)
DOWNTIME = re.compile(r"problem(\d+)_(from|to)", re.IGNORECASE)


def read_cameras(path: Path, zone: tzinfo | None, problems: Problems) -> CameraTable:
    """The cameras of a table, one for each period.

    Wrong values are recorded in `problems`. Raises InvalidInputError like `read_table`, and if the table has
    neither pair of coordinates.
    """
    rows: defaultdict[str, list[Row]] = defaultdict(list)
    for row in read_table(path, ("camera_id",), problems):
        if not rows:
            check_columns(row, (*COLUMNS, *(c for c in row.cells if DOWNTIME.match(c))))
        camera_id = row.identifier("camera_id")
        if camera_id and all(row.cells != other.cells for other in rows[camera_id]):
            rows[camera_id].append(row)
    cameras: dict[str, Camera] = {}
    positions: Positions = {}
    periods: dict[str, tuple[str, ...]] = {}
    for camera_id, own in rows.items():
        if len(own) > 1:
            _check_periods(own)
        stints = [
            (period, degrees) for row in own for degrees in (_degrees(row),) for period in _periods(row, zone)
        ]
        stints = [
            (period, degrees)
            for period, (_, degrees) in zip(closed([p for p, _ in stints]), stints, strict=True)
        ]
        ids = tuple(period_id(camera_id, number) for number in range(1, len(stints) + 1))
        for own_id, (period, degrees) in zip(ids, stints, strict=True):
            if own_id != camera_id and own_id in rows:
                own[0].wrong("camera_id", f"has several periods, but {own_id!r} is a camera; rename that one")
            cameras[own_id] = replace(period, camera_id=own_id)
            positions |= {own_id: degrees} if degrees else {}
        if len(ids) > 1:
            periods[camera_id] = ids
    table = CameraTable(cameras, positions, periods)
    _check_places(table, rows)
    return table


def _periods(row: Row, zone: tzinfo | None) -> list[Camera]:
    metres = None
    if {"x_m", "y_m"} <= row.cells.keys():
        metres = row.pair("x_m", "y_m", (FARTHEST_M, FARTHEST_M))
    elif not {"latitude", "longitude"} <= row.cells.keys():
        raise InvalidInputError(
            f"{row.file} has neither x_m and y_m nor latitude and longitude; add one pair of columns"
        )
    x_m, y_m = metres or (None, None)
    camera = Camera(
        row.text("camera_id"),
        x_m=x_m,
        y_m=y_m,
        start_s=row.day("start", zone, end=False),
        end_s=row.day("end", zone, end=True),
        location_uncertainty_m=row.number_between("location_uncertainty_m", 0.0, FARTHEST_M) or 0.0,
        clock_suspect=row.flag("clock_suspect"),
        station=row.identifier("station", required=False),
    )
    check_camera_period(row, "start", "end", camera)
    return without_downtime(camera, _downtimes(row, zone)) or [camera]


def _degrees(row: Row) -> tuple[float, float] | None:
    if {"x_m", "y_m"} <= row.cells.keys():
        return None
    return row.degrees("latitude", "longitude")


def _downtimes(row: Row, zone: tzinfo | None) -> list[tuple[float, float]]:
    """The downtimes of a camera, (start, end) in UTC seconds."""
    down = []
    for column in row.cells:
        found = DOWNTIME.fullmatch(column)
        other = next((c for c in row.cells if found and c.lower() == f"problem{found[1]}_to"), "")
        if not found or found[2].lower() != "from" or not row.text(column):
            continue
        start_s, end_s = row.day(column, zone, end=False), row.day(other, zone, end=True)
        if start_s is None or end_s is None or end_s < start_s:
            row.wrong(column, f"needs an end after it in problem{found[1]}_to; write both")
        else:
            down.append((start_s, end_s))
    return down


def _check_periods(rows: Sequence[Row]) -> None:
    """Record rows of one camera that no time distinguishes."""
    for row in rows[1:]:
        if not row.text("start") and not row.text("end"):
            row.wrong(
                "camera_id",
                f"is also in row {rows[0].number}, with other content; give each row its own id, or the "
                "start and end of its period",
                cause="twice",
            )


def _check_places(table: CameraTable, rows: Mapping[str, Sequence[Row]]) -> None:
    for camera_id, ids in table.periods.items():
        pairs = [
            (a, b) for number, b in enumerate(ids) for a in ids[:number] if table.place(a) != table.place(b)
        ]
        for a, b in pairs:
            if is_at_two_places(table.cameras[a], table.cameras[b]):
                row = rows[camera_id][-1]
                row.wrong(
                    "camera_id",
                    f"is at two places at once (row {rows[camera_id][0].number}); correct the periods, or "
                    "give each camera its own id",
                    cause="two places",
                )
                break
