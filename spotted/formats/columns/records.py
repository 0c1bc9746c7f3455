"""Rows with the fields of `spotted.formats.columns.names` as titles, read as a survey."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from spotted.formats.columns.cameras import camera_of, cameras_of_records, pair_of
from spotted.formats.columns.dates import (
    DAYS,
    SERIAL,
    find_day_format,
    has_clock,
    is_date,
    shown_form,
    to_iso,
    to_iso_clock,
)
from spotted.formats.columns.row_cameras import known_as, one_spelling, path_of, with_camera, with_stations
from spotted.formats.columns.translated import Images, Table, read_translated
from spotted.formats.columns.values import is_no_animal
from spotted.formats.csv_cells import plain_text
from spotted.formats.csv_survey import DetectionIds
from spotted.formats.imported_survey import SIDES, ImportedSurvey, format_count
from spotted.formats.photographs.stations import folded
from spotted.formats.row import LONGEST_ID, Row
from spotted.formats.species import select_species
from spotted.survey import Side

# fields that a table of detections takes over as they are
_PLAIN = ("individual_id", "species", "encounter_id", "box_x", "box_y", "box_width", "box_height")
_SIDES = {
    **dict.fromkeys(["lhs", "izquierda", "izquierdo", "links", "gauche", "esquerda", "esquerdo"], Side.LEFT),
    **dict.fromkeys(["rhs", "derecha", "derecho", "rechts", "droite", "droit", "direita"], Side.RIGHT),
}
_TOTALS = {
    "total",
    "totals",
    "grandtotal",
    "sum",
    "summe",
    "gesamt",
    "suma",
    "totale",
    "mean",
    "average",
    "n",
}
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """How rows become a survey."""

    survey_id: str
    """Id of the survey."""
    images_root: Path
    """The folder of the image files, absolute."""
    species: str | None = None
    """Required if the rows name several."""
    timezone: str | None = None
    """IANA name or offset of the cameras' clocks."""
    date_format: str = ""
    """Form of the days, e.g. `%d/%m/%Y`; found in the dates by default."""
    station: str = ""
    """Pattern of paths that gives the stations of rows without a camera."""
    strict: bool = False
    """Whether doubtful values stop the import."""


def read_records(
    rows: Sequence[Row], reading: Reading, *, cameras: Table | None = None, notes: Sequence[str] = ()
) -> ImportedSurvey:
    """The survey of rows, each of which is a detection.

    cameras: their cameras; by default those that the rows name, at the positions in the rows.
    Rows that name no animal are left out with a note. A day without a time of day is a time unknown.
    Raises InvalidInputError for several species, dates whose form is not clear, and wrong values.
    """
    file = rows[0].file if rows else ""
    rows, footers = _without_footers(rows)
    animals, skipped = _animals(rows)
    selected = select_species(animals, reading.species, column="species", table=file) if animals else []
    said = [*notes, *footers, *skipped]
    if len(selected) < len(animals):
        said.append(f"{format_count(len(animals) - len(selected), 'row')} skipped: other species")
    times, day_notes = _times(selected, reading.date_format)
    selected, station_notes = with_stations(selected, reading.station)
    selected, spellings = one_spelling(selected)
    said += spellings
    if cameras is None:
        pair = pair_of(selected)
        selected = [with_camera(row, camera_of(row, pair)) for row in selected]
        cameras = cameras_of_records(selected, times)
    else:
        names = {row["camera_id"] for row in cameras.rows.values()}
        selected = [with_camera(row, known_as(row.text("camera_id"), names)) for row in selected]
    images, ids = Images(reading.images_root), DetectionIds()
    stations = {folded(row["camera_id"]) for row in cameras.rows.values()}
    detections = {
        row.number: _detection(row, time, images, stations, ids.of, own_id)
        for row, time, own_id in zip(selected, times, _distinct_ids(selected), strict=True)
    }
    unclear = list(
        dict.fromkeys(row.text("side") for row in selected if row.text("side") and not side_of(row))
    )
    if unclear:
        said.append(f"taken as an unknown side: {', '.join(map(repr, unclear[:SHOWN]))}")
    return read_translated(
        cameras,
        Table(file, detections),
        survey_id=reading.survey_id,
        images_root=reading.images_root,
        timezone=reading.timezone,
        strict=reading.strict,
        notes=[*said, *day_notes, *station_notes],
    )


def _without_footers(rows: Sequence[Row]) -> tuple[list[Row], list[str]]:
    """The rows but for totals and remarks below a table, and a note about these."""
    kept: list[Row] = []
    left_out: list[Row] = []
    for row in rows:
        is_timed = any(is_date(row.text(name)) for name in ("time", "date"))
        is_empty = not any(row.text(name) for name in ("time", "date", "image", "individual_id"))
        is_footer = not is_timed and (is_empty or folded(row.text("camera_id")) in _TOTALS)
        (left_out if is_footer else kept).append(row)
    if not left_out:
        return kept, []
    first = left_out[0]
    shown = next(filter(None, map(plain_text, first.cells.values())), "")
    count = format_count(len(left_out), "row")
    return kept, [f"{count} without a time and an image left out, such as row {first.number} ({shown!r})"]


def _animals(rows: Sequence[Row]) -> tuple[list[Row], list[str]]:
    """The rows with an animal, and a note about the others; rows of a table without species all have one."""
    labels = {row.text("species") for row in rows}
    if not any(label and not is_no_animal(label) for label in labels):
        return list(rows), []
    kept = [row for row in rows if row.text("species") and not is_no_animal(row.text("species"))]
    without = Counter(row.text("species") or "(no species)" for row in rows) - Counter(
        row.text("species") for row in kept
    )
    if not without:
        return kept, []
    listed = ", ".join(f"{label} ({count:,})" for label, count in without.most_common(SHOWN))
    return kept, [f"{format_count(without.total(), 'row')} skipped: no animal: {listed}"]


def _times(rows: Sequence[Row], date_format: str) -> tuple[list[str], list[str]]:
    """The time of each row as ISO 8601, "" without one, and notes."""
    column = "time" if any(row.text("time") for row in rows) else "date"
    texts = [row.text(column) for row in rows]
    form = find_day_format(texts, column=f"{rows[0].file}, {column}", given=date_format) if rows else ""
    days = 0
    times = []
    # a spreadsheet writes midnight as a whole number of days
    midnight = "T00:00:00" if form == SERIAL and any(map(has_clock, texts)) else ""
    for row, text in zip(rows, texts, strict=True):
        time = to_iso(text, form)
        time += midnight if time and "T" not in time else ""
        if "T" not in time and " " not in time and is_date(time):
            clock = row.text("clock")
            # spreadsheets write a time of day as one of their first day
            part = to_iso_clock(clock) or (
                to_iso(clock, find_day_format([clock], column="clock")) if is_date(clock) else ""
            )
            time = f"{time}T{part.partition('T')[2] or part}" if part else ""
            days += not part
        times.append(time)
    notes = [f"dates are read as {shown_form(form)}"] if form not in {"", DAYS[0]} else []
    if days:
        notes.append(
            f"{format_count(days, 'row')} with a day but no time of day; the time is taken as unknown"
        )
    return times, notes


def numbered(groups: Iterable[Sequence[Row]]) -> list[Row]:
    """The rows of each row of a file: the first keeps its number, the others follow after the last row.

    A number names one row, in messages that of the file as far as there is one.
    """
    listed = [group for group in groups if group]
    last = max((group[0].number for group in listed), default=1)
    others = [row for group in listed for row in group[1:]]
    return [group[0] for group in listed] + [
        replace(row, number=number) for number, row in enumerate(others, start=last + 1)
    ]


def side_of(row: Row) -> str:
    """The side that a text such as `Left flank` names, "" if it names none, or several."""
    words = re.findall(r"[a-z]+", row.text("side").lower())
    named = {side for word in words if (side := SIDES.get(word) or _SIDES.get(word))}
    return named.pop().name.lower() if len(named) == 1 else ""


def _distinct_ids(rows: Sequence[Row]) -> Iterator[str]:
    """The ids of the rows, numbered if the table repeats one; "" if it has none."""
    seen = Counter[str]()
    for row in rows:
        own = row.text("detection_id")
        seen[own] += 1
        yield own if seen[own] == 1 or not own else f"{own}#{seen[own]}"


def _image(row: Row, images: Images, stations: Collection[str]) -> str:
    """The file of a row below the folder, "" without one; a file in the folder of another station is none."""
    path, camera_id = path_of(row), row.text("camera_id")
    name = path.rsplit("/", 1)[-1]
    texts = (path, f"{camera_id}/{name}") if "/" in path else (f"{camera_id}/{name}", name)
    found = images.find(*texts) if path else ""
    folders = {folded(part) for part in found.split("/")[:-1]}
    is_of_another = folders & set(stations) and folded(camera_id) not in folders and "/" not in path
    return "" if is_of_another else found


def _detection(
    row: Row,
    time: str,
    images: Images,
    stations: Collection[str],
    id_of: Callable[[Mapping[str, str]], str],
    own_id: str,
) -> Mapping[str, str]:
    path, camera_id = path_of(row), row.text("camera_id")
    name = path.rsplit("/", 1)[-1]
    # every camera may have a file of this name
    written = path if "/" in path or not camera_id else f"{camera_id}/{name}" if name else ""
    cells = {column: row.text(column) for column in _PLAIN}
    identifying = {"camera_id": camera_id, "timestamp": time, "image": written, **cells}
    return {
        "detection_id": own_id or id_of(identifying),
        "camera_id": camera_id,
        "timestamp": time,
        "image": _image(row, images, stations),
        "image_id": row.text("image_id") or written[-LONGEST_ID:],
        "side": side_of(row),
        **cells,
    }
