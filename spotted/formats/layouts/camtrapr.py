"""Tables of the R package camtrapR: records of animals, and stations with their periods.

Records have Station, DateTimeOriginal, Directory, FileName and optional Species, Individual; stations have
Station, Setup_date, Retrieval_date, one pair of coordinates, and problems as Problem1_from, Problem1_to ...
(https://jniedballa.github.io/camtrapR). A station is a camera, unless both tables have a column Camera: then
each camera of a station is one, named as camtrapR does (`Station__CAM_Camera`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from spotted.errors import InvalidInputError
from spotted.formats.columns.dates import find_day_format, to_iso
from spotted.formats.columns.translated import Images, Table, iso_column, read_translated
from spotted.formats.columns.values import degrees_text, number_text
from spotted.formats.csv_table import read_table
from spotted.formats.imported_survey import ImportedSurvey, format_count, survey_slug
from spotted.formats.problems import Problems
from spotted.formats.row import Row, absolute_path
from spotted.formats.species import select_species

RECORD_COLUMNS = ("Station", "DateTimeOriginal", "Directory", "FileName")
STATION_COLUMNS = ("Station", "Setup_date", "Retrieval_date")
# columns of x and y by the columns of `spotted.formats.csv_survey`
COORDINATES = {
    ("utm_x", "utm_y"): ("x_m", "y_m"),
    ("longitude", "latitude"): ("longitude", "latitude"),
    ("long", "lat"): ("longitude", "latitude"),
    ("lon", "lat"): ("longitude", "latitude"),
}
CAMERA_COLUMN, JOINED = "Camera", "__CAM_"
_PROBLEM = re.compile(r"problem\d+_(from|to)", re.IGNORECASE)


def read_camtrapr(
    records: str | os.PathLike[str],
    stations: str | os.PathLike[str],
    *,
    survey_id: str = "",
    species: str | None = None,
    images_root: str | os.PathLike[str] | None = None,
    timezone: str | None = None,
    date_format: str = "",
    strict: bool = False,
) -> ImportedSurvey:
    """The survey of a table of records and a table of stations.

    species: required if the records contain several.
    images_root: the folder of the pictures, by default that of the records; files are found by the last parts
        of Directory and FileName.
    date_format: the form of days, e.g. `%d/%m/%Y`; found in the dates by default.
    strict: whether doubtful values stop the import.
    Raises InvalidInputError for missing columns and wrong values.
    """
    table = absolute_path(records)
    root = absolute_path(images_root or table.parent)
    problems = Problems()
    rows = list(read_table(table, RECORD_COLUMNS, problems))
    known = list(read_table(absolute_path(stations), STATION_COLUMNS, problems))
    problems.raise_any()
    selected = select_species(rows, species, column="Species", table="the records")
    others = len(rows) - len(selected)
    notes = [f"{format_count(others, 'record')} skipped: other species"] if others else []
    by_camera = all(table and CAMERA_COLUMN in table[0].cells for table in (rows, known))
    images, times = Images(root), iso_column(selected, "DateTimeOriginal", date_format=date_format)
    return read_translated(
        Table(absolute_path(stations).name, _cameras(known, date_format, by_camera=by_camera)),
        Table(
            table.name,
            {
                row.number: _detection(row, time, images, by_camera=by_camera)
                for row, time in zip(selected, times, strict=True)
            },
        ),
        survey_id=survey_id or survey_slug(table.parent.name),
        images_root=root,
        timezone=timezone,
        strict=strict,
        notes=notes,
    )


def _cameras(rows: Sequence[Row], date_format: str, *, by_camera: bool) -> dict[int, Mapping[str, str]]:
    """The stations with the columns of a table of cameras."""
    if not rows:
        return {}
    columns = {title.lower(): title for title in rows[0].cells}
    pair = next((pair for pair in COORDINATES if set(pair) <= columns.keys()), None)
    if pair is None:
        raise InvalidInputError(
            f"{rows[0].file} has no coordinates; name their columns utm_x and utm_y, or longitude "
            "and latitude",
            field=rows[0].file,
        )
    titles = {"Setup_date": "start", "Retrieval_date": "end"}
    titles |= {columns[old]: new for old, new in zip(pair, COORDINATES[pair], strict=True)}
    titles |= {title: title.lower() for title in rows[0].cells if _PROBLEM.fullmatch(title)}
    dates = [title for title, new in titles.items() if new in {"start", "end"} or _PROBLEM.fullmatch(title)]
    # one person wrote all dates of a table, and a column of few may leave day and month open
    texts = [row.text(title) for row in rows for title in dates]
    day = find_day_format(texts, column=f"{rows[0].file}, {' and '.join(dates[:2])}", given=date_format)
    return {
        row.number: {
            "camera_id": _camera_id(row, by_camera=by_camera),
            "station": row.text("Station") if by_camera else "",
            **{
                new: to_iso(row.text(old), day) if old in dates else _coordinate(row, old, new)
                for old, new in titles.items()
            },
        }
        for row in rows
    }


def _coordinate(row: Row, old: str, new: str) -> str:
    """The text of a column; a coordinate with a decimal point."""
    if new in {"x_m", "y_m"}:
        return number_text(row.text(old), decimal_comma=row.decimal_comma)
    return degrees_text(row.text(old)) if new in {"latitude", "longitude"} else row.text(old)


def _camera_id(row: Row, *, by_camera: bool) -> str:
    camera = row.text(CAMERA_COLUMN) if by_camera else ""
    return f"{row.text('Station')}{JOINED}{camera}" if camera else row.text("Station")


def _detection(row: Row, time: str, images: Images, *, by_camera: bool) -> Mapping[str, str]:
    directory = row.text("Directory").replace("\\", "/").rstrip("/")
    name = row.text("FileName")
    return {
        "camera_id": _camera_id(row, by_camera=by_camera),
        "timestamp": time,
        "image": images.find(f"{directory}/{name}") if name else "",
        "image_id": f"{_camera_id(row, by_camera=by_camera)}/{name}" if name else "",
        "individual_id": row.text("Individual"),
        "species": row.text("Species"),
    }


def station_table(records: Path) -> Path:
    """The only table of stations beside a table of records.

    Raises InvalidInputError if there is none or several.
    """
    found = [path for path in sorted(records.parent.glob("*.csv")) if _is_stations(path)]
    if len(found) != 1:
        listed = ", ".join(path.name for path in found) or "none"
        raise InvalidInputError(
            f"{records.name} needs a table of stations with {', '.join(STATION_COLUMNS)}; beside it: "
            f"{listed}; give one with --cameras"
        )
    return found[0]


def _is_stations(path: Path) -> bool:
    try:
        return next(iter(read_table(path, STATION_COLUMNS, Problems())), None) is not None
    except InvalidInputError:
        return False
