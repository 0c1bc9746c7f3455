"""Spreadsheets of Wildbook's bulk import: a row is an encounter of one animal, with its media files.

Columns as in WildMeOrg/Wildbook (org.ecocean.api.bulk): Encounter.mediaAsset0, mediaAsset1 ..., year, month,
day, hour, minutes, genus, specificEpithet, decimalLatitude, decimalLongitude, locationID, verbatimLocality,
and MarkedIndividual.individualID or Encounter.individualID.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from spotted.errors import InvalidInputError
from spotted.formats.columns.records import Reading, numbered, read_records
from spotted.formats.columns.survey import read_camera_file
from spotted.formats.columns.translated import Table
from spotted.formats.columns.values import degrees_text
from spotted.formats.imported_survey import ImportedSurvey
from spotted.formats.problems import Problems
from spotted.formats.row import Row, absolute_path
from spotted.formats.sheets import Sheet, read_sheets

_MEDIA = re.compile(r"Encounter\.mediaAsset\d*")
MILLISECONDS = "Encounter.dateInMilliseconds"
INDIVIDUALS = (
    "MarkedIndividual.individualID",
    "Encounter.individualID",
    "Encounter.individualId",
    "MarkedIndividual.name",
    "MarkedIndividual.nickname",
)
LATITUDES = ("Encounter.decimalLatitude", "Encounter.latitude")
LONGITUDES = ("Encounter.decimalLongitude", "Encounter.longitude")
ENCOUNTERS = ("Encounter.encounterID", "Encounter.catalogNumber", "Encounter.id")
LOCALITIES = ("Encounter.verbatimLocality", "Encounter.locationID")
_DAY = ("Encounter.year", "Encounter.month", "Encounter.day")
_CLOCK = ("Encounter.hour", "Encounter.minutes")
_OTHERS = ("Encounter.genus", "Encounter.specificEpithet", MILLISECONDS, "Encounter.viewpoint")
READ = {*INDIVIDUALS, *LATITUDES, *LONGITUDES, *ENCOUNTERS, *LOCALITIES, *_DAY, *_CLOCK, *_OTHERS}


def is_wildbook(titles: Sequence[str]) -> bool:
    """Whether a table is one of Wildbook's bulk import.

    >>> is_wildbook(["Encounter.mediaAsset0", "Encounter.year", "Encounter.genus"])
    True
    """
    return any(_MEDIA.fullmatch(title) for title in titles)


def read_wildbook(
    table: str | os.PathLike[str], reading: Reading, *, cameras: str | os.PathLike[str] | None = None
) -> ImportedSurvey:
    """The survey of a spreadsheet; each media file of a row is a detection of its encounter.

    cameras: a table of cameras, by the names in Encounter.verbatimLocality or locationID. By default a place
        name is a camera if all its rows have one position, and otherwise each position is.
    Raises InvalidInputError for several species and wrong values.
    """
    path, problems = absolute_path(table), Problems(strict=reading.strict)
    sheet = next((sheet for sheet in read_sheets(path) if is_wildbook(sheet.titles)), None)
    if sheet is None:
        raise InvalidInputError(f"{path} lacks the column Encounter.mediaAsset0; add it", field=path.name)
    encounters = sheet.typed(problems)
    moving = _several_places(encounters)
    rows = numbered(list(_media(row, moving)) for row in encounters)
    known: Table | None = None
    notes = [*sheet.notes, *_notes(sheet, moving)]
    if cameras:
        known, more = read_camera_file(absolute_path(cameras), problems, reading)
        notes += more
    problems.raise_any()
    return read_records(rows, reading, cameras=known, notes=notes)


def _media(row: Row, moving: set[str]) -> Iterator[Row]:
    """A row for each media file of a row, or one without a file, with fields as titles."""
    files = [row.text(title) for title in row.cells if _MEDIA.fullmatch(title)]
    files = list(dict.fromkeys(file for file in files if file))
    locality = _first(row, LOCALITIES)
    species = f"{row.text('Encounter.genus')} {row.text('Encounter.specificEpithet')}".strip()
    cells = {
        **_time(row),
        "camera_id": "" if locality in moving else locality,
        "latitude": _first(row, LATITUDES),
        "longitude": _first(row, LONGITUDES),
        "individual_id": _first(row, INDIVIDUALS),
        "species": species,
        "side": row.text("Encounter.viewpoint"),
        "encounter_id": _first(row, ENCOUNTERS) or next(iter(files), ""),
    }
    for file in files or [""]:
        yield replace(row, cells={**cells, "image": file})


def _time(row: Row) -> dict[str, str]:
    """Day and time of day, or an instant; a year without month or day is no day."""
    milliseconds = row.number_between(MILLISECONDS, 0.0, 1e14)
    if milliseconds:
        instant = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
        return {"time": instant.isoformat()}
    limits = ((1900, 2200), (1, 12), (1, 31), (0, 23), (0, 59))
    parts = [row.number_between(t, *limit) for t, limit in zip((*_DAY, *_CLOCK), limits, strict=True)]
    if any(part is None for part in parts[:3]):
        return {"time": ""}
    year, month, day, hour, minute = (int(part or 0) for part in parts)
    shown = f"{year:04}-{month:02}-{day:02}"
    return {"time": shown if parts[3] is None else f"{shown}T{hour:02}:{minute:02}:00"}


def _several_places(rows: Sequence[Row]) -> set[str]:
    """Names of places that have several positions."""
    places: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in rows:
        position = degrees_text(_first(row, LATITUDES)), degrees_text(_first(row, LONGITUDES))
        if any(position):
            places[_first(row, LOCALITIES)].add(position)
    return {name for name, positions in places.items() if len(positions) > 1 and name}


def _first(row: Row, titles: Sequence[str]) -> str:
    return next((text for title in titles if (text := row.text(title))), "")


def _notes(sheet: Sheet, moving: set[str]) -> Iterator[str]:
    unread = [title for title in sheet.titles if title not in READ and not _MEDIA.fullmatch(title)]
    if unread:
        yield f"{sheet.name}: columns not read: {', '.join(unread)}"
    if moving:
        yield f"places with several positions, such as {min(moving)!r}: each position is a camera"
