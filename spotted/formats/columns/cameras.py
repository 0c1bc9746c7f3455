"""The cameras of rows, and tables of cameras with any titles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from spotted.formats.cameras.table import DOWNTIME
from spotted.formats.columns.dates import find_day_format, to_iso
from spotted.formats.columns.guess import ColumnMap
from spotted.formats.columns.translated import Table
from spotted.formats.columns.values import degrees_text, number_text
from spotted.formats.problems import Problems
from spotted.formats.row import Row
from spotted.formats.sheets import Sheet

PAIRS = (("latitude", "longitude"), ("x_m", "y_m"))
DATES = ("start", "end")
# other columns of a table of cameras, taken over as they are
_PLAIN = ("camera_id", "station", "location_uncertainty_m", "clock_suspect")


def pair_of(rows: Sequence[Row]) -> tuple[str, str]:
    """The pair of coordinates of a table: degrees if any row has them, otherwise metres."""
    has_metres = any(row.text(name) for row in rows for name in PAIRS[1])
    return PAIRS[has_metres and not any(row.text(name) for row in rows for name in PAIRS[0])]


def cameras_of_records(rows: Sequence[Row], times: Sequence[str]) -> Table:
    """The cameras that rows name, at the positions in the rows.

    A camera with several positions has a period at each, from its first to its last row there.
    """
    pair = pair_of(rows)
    stays: defaultdict[str, defaultdict[tuple[str, ...], list[tuple[str, int]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    stations: dict[str, str] = {}
    for row, time in zip(rows, times, strict=True):
        if camera_id := camera_of(row, pair):
            stays[camera_id][_place(row, pair)].append((time, row.number))
            if station := row.text("station"):
                stations.setdefault(camera_id, station)
    cells: dict[int, Mapping[str, str]] = {}
    for camera_id, places in stays.items():
        # rows without a position do not say that the camera has none
        known = {place: seen for place, seen in places.items() if any(place)} or places
        for place, seen in known.items():
            own = {"camera_id": camera_id, **dict(zip(pair, place, strict=True))}
            own |= {"station": stations[camera_id]} if camera_id in stations else {}
            timed = sorted(time for time, _ in seen if time)
            if len(known) > 1 and timed:
                own |= {"start": timed[0], "end": timed[-1]}
            cells[min(number for _, number in seen)] = own
    return Table(rows[0].file if rows else "cameras", dict(sorted(cells.items())))


def camera_of(row: Row, pair: tuple[str, str]) -> str:
    """The camera of a row: its own, or its place."""
    return row.text("camera_id") or ", ".join(filter(None, _place(row, pair)))


def camera_table(sheet: Sheet, columns: ColumnMap, problems: Problems, *, date_format: str = "") -> Table:
    """A table of cameras with the titles of `spotted.formats.cameras.table`.

    Raises InvalidInputError if day and month of its dates cannot be distinguished.
    """
    down = {title: title.lower() for title in sheet.titles if DOWNTIME.fullmatch(title)}
    written = sheet.typed(problems)
    rows = [
        replace(row, cells={**columns.apply(row.cells), **{new: row.cells[old] for old, new in down.items()}})
        for row in written
    ]
    pair, dates = pair_of(rows), (*DATES, *down.values())
    # one person wrote all dates of a table, and a column of few may leave day and month open
    texts = [row.text(name) for row in rows for name in dates]
    form = find_day_format(texts, column=f"{sheet.name}, {' and '.join(DATES)}", given=date_format)
    cells = {}
    for row in rows:
        own = {name: row.text(name) for name in _PLAIN}
        own |= dict(zip(pair, _place(row, pair), strict=True))
        own |= {name: _day(to_iso(row.text(name), form), name) for name in dates}
        cells[row.number] = own
    return Table(Path(sheet.name).name, cells)


def _place(row: Row, pair: tuple[str, str]) -> tuple[str, str]:
    if pair == PAIRS[0]:
        return degrees_text(row.text(pair[0])), degrees_text(row.text(pair[1]))
    first, second = (number_text(row.text(name), decimal_comma=row.decimal_comma) for name in pair)
    return first, second


def _day(text: str, name: str) -> str:
    """An end at midnight is the day, not its first second."""
    is_end = name == "end" or name.endswith("_to")
    return text.removesuffix("T00:00:00").removesuffix(" 00:00:00") if is_end else text
