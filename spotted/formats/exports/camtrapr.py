"""Tables of the R package camtrapR: records, stations, and the operation of the stations by day.

Columns and dates as in `recordTableIndividual`, `camtraps` and `cameraOperation`
(https://jniedballa.github.io/camtrapR).
"""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from spotted.arrays import BoolArray
from spotted.formats.captures.history import CaptureHistory
from spotted.formats.captures.tables import csv_bytes, format_position
from spotted.formats.exports.material import ExportFiles, Material
from spotted.formats.imported_survey import format_count
from spotted.formats.picture import Picture
from spotted.formats.timestamps import time_zone
from spotted.survey import Side

RECORD_COLUMNS = (
    "Station",
    "Species",
    "Individual",
    "DateTimeOriginal",
    "Date",
    "Time",
    "Directory",
    "FileName",
    "Side",
)


def camtrapr_files(material: Material) -> ExportFiles:
    """`records.csv`, `stations.csv` and `camera_operation.csv`, with times and days of the survey's zone.

    A station that never operated is left out. camera_operation.csv has a row a station and a column a day: NA
    before its setup and after its retrieval, else the share of the day during which a camera operated.
    """
    days = material.by_day()
    used = [row for row in range(len(days.cameras)) if days.usage[row].any()]
    records = [
        _record(picture, material) for picture in material.imported.pictures if _has(picture, material)
    ]
    idle = len(days.cameras) - len(used)
    note = f"camtrapR: {format_count(idle, 'station')} without a day of operation left out"
    contents = {
        "records.csv": csv_bytes(RECORD_COLUMNS, sorted(records)),
        "stations.csv": _stations(days, used),
        "camera_operation.csv": _operation(days, used),
    }
    return ExportFiles(contents, (note,) if idle else ())


def _has(picture: Picture, material: Material) -> bool:
    one = picture.detection
    return bool(
        material.individuals.get(one.detection_id) and one.camera_id and one.captured_at_s is not None
    )


def _record(picture: Picture, material: Material) -> list[str]:
    one = picture.detection
    taken = datetime.fromtimestamp(one.captured_at_s or 0.0, time_zone(material.timezone))
    path = "" if picture.path is None else Path(os.path.relpath(picture.path, material.root)).as_posix()
    folder, _, name = path.rpartition("/")
    return [
        material.station(one.camera_id),
        one.species,
        material.individuals[one.detection_id],
        taken.strftime("%Y-%m-%d %H:%M:%S"),
        taken.strftime("%Y-%m-%d"),
        taken.strftime("%H:%M:%S"),
        folder or ("." if name else ""),
        name,
        "" if one.side is Side.UNKNOWN else one.side.name.lower(),
    ]


def _stations(history: CaptureHistory, used: list[int]) -> bytes:
    """The stations with setup, retrieval and problems: the days between on which no camera operated."""
    gaps = {row: _gaps(history.usage[row]) for row in used}
    most = max((len(found) for found in gaps.values()), default=0)
    problems = [f"Problem{n}_{end}" for n in range(1, most + 1) for end in ("from", "to")]
    rows = []
    for row in used:
        on = history.usage[row].nonzero()[0]
        dates = [_day(history, int(i)) for gap in gaps[row] for i in gap]
        blank = [""] * (len(problems) - len(dates))
        camera = history.cameras[row]
        ends = [_day(history, int(on[0])), _day(history, int(on[-1]))]
        rows.append([camera.camera_id, *format_position(camera), *ends, *dates, *blank])
    return csv_bytes(["Station", "utm_x", "utm_y", "Setup_date", "Retrieval_date", *problems], rows)


def _gaps(usage: BoolArray) -> list[tuple[int, int]]:
    """The first and the last day of each stretch without operation between days with it."""
    on = usage.nonzero()[0].tolist()
    return [(before + 1, after - 1) for before, after in pairwise(on) if after > before + 1]


def _operation(history: CaptureHistory, used: list[int]) -> bytes:
    rows = []
    for row in used:
        on = history.usage[row].nonzero()[0]
        effort = history.effort_days[row].tolist()
        inside = range(int(on[0]), int(on[-1]) + 1)
        cells = [f"{effort[day]:.4g}" if day in inside else "NA" for day in range(history.occasions)]
        rows.append([history.cameras[row].camera_id, *cells])
    return csv_bytes(["", *(_day(history, day) for day in range(history.occasions))], rows)


def _day(history: CaptureHistory, index: int) -> str:
    day: date = history.first_day + timedelta(days=index)
    return day.isoformat()
