"""A survey from a table with any titles, and the table of its cameras."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from spotted.errors import InvalidInputError
from spotted.formats.columns.cameras import camera_table
from spotted.formats.columns.guess import ColumnMap, check_given, guess_columns
from spotted.formats.columns.names import FIELDS, plain_title
from spotted.formats.columns.records import Reading, read_records
from spotted.formats.columns.translated import Table
from spotted.formats.imported_survey import ImportedSurvey
from spotted.formats.photographs.stations import folded
from spotted.formats.problems import Problems
from spotted.formats.row import absolute_path
from spotted.formats.sheets import SHEET_SUFFIXES, Sheet, read_sheets

# tables beside one of detections that are looked at
EXAMINED_FILES = 20
SHOWN = 3
# titles of the zone of a projection
ZONES = {"utm zone", "utmzone", "zone", "utm", "huso", "grid zone", "epsg"}


@dataclass(frozen=True, slots=True)
class Resolved:
    """The columns of a table of detections, and those of its cameras."""

    columns: Mapping[str, str]
    """Title by field."""
    cameras: Path | None
    """The file with the table of cameras; None if the detections name their cameras."""
    camera_columns: Mapping[str, str]
    """Title by field of the table of cameras."""
    notes: tuple[str, ...] = ()
    """Guesses that could be otherwise."""


def resolve_columns(
    table: str | os.PathLike[str],
    given: Mapping[str, str] | None = None,
    *,
    cameras: str | os.PathLike[str] | None = None,
    saved: Mapping[str, str] | None = None,
    saved_cameras: Mapping[str, str] | None = None,
) -> Resolved:
    r"""The columns of a table with any titles, guessed from titles and values.

    given: title by field, "" for a field that shall not be read; each counts in every table that has it.
    cameras: the table of cameras; by default another sheet of the workbook, or the only table beside it,
        that has the cameras of the detections with their places.
    saved, saved_cameras: columns of an earlier import of the table and its cameras, unless given otherwise.
    Raises InvalidInputError if the table has no detections, a saved column is gone, or `given` names no field
    or no column.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = Path(folder, "leopards.csv")
    ...     _ = table.write_text("Station;Date;Photo\nA1;24/03/2020 11:21;1.jpg\n")
    ...     resolve_columns(table).columns
    {'camera_id': 'Station', 'time': 'Date', 'image': 'Photo'}
    """
    path, given = absolute_path(table), given or {}
    sheets = read_sheets(path)
    beside = read_sheets(absolute_path(cameras)) if cameras else []
    check_given(given, [*sheets, *beside])
    fixed, fixed_cameras = {**(saved or {}), **given}, {**(saved_cameras or {}), **given}
    sheet, found = _detections(sheets, fixed, saved or {})
    others = [other for other in sheets if other is not sheet]
    notes = list(_choices(sheet, found, others))
    if cameras:
        own = _best_map(beside, fixed_cameras)
        return Resolved(found.columns, absolute_path(cameras), own.columns, tuple(notes))
    if found.has_place:
        return Resolved(found.columns, None, {}, tuple(notes))
    near = [(path, other) for other in others] or list(_tables_beside(path))
    fits = [
        (file, other, own)
        for file, other in near
        if _has_cameras(sheet, found, other, own := guess_columns(other, fixed_cameras, cameras=True))
    ]
    if len(fits) > 1:
        notes.append(f"tables of cameras: {', '.join(s.name for _, s, _ in fits)}; give one with --cameras")
    if len(fits) != 1:
        return Resolved(found.columns, None, {}, tuple(notes))
    ((file, other, own),) = fits
    notes.append(f"the cameras are in {other.name}, which has the ids of the detections")
    return Resolved(found.columns, file, own.columns, tuple(notes))


def read_mapped(
    table: str | os.PathLike[str],
    columns: Mapping[str, str],
    reading: Reading,
    *,
    cameras: str | os.PathLike[str] | None = None,
    camera_columns: Mapping[str, str] | None = None,
) -> ImportedSurvey:
    """The survey of a table whose columns are known (see `resolve_columns`).

    Raises InvalidInputError if a column is gone, and for wrong values.
    """
    path, problems = absolute_path(table), Problems(strict=reading.strict)
    sheet, found = _with_titles(path, columns), ColumnMap(columns)
    rows = [replace(row, cells=found.apply(row.cells)) for row in sheet.typed(problems)]
    _check_zones(sheet, found)
    notes = [
        f"{sheet.name}: {found.text()}; --map FIELD=COLUMN changes it",
        *_unread(sheet, found),
        *sheet.notes,
    ]
    known = None
    if cameras:
        known, more = _read_cameras(
            absolute_path(cameras), ColumnMap(camera_columns or {}), problems, reading
        )
        notes += more
    problems.raise_any()
    return read_records(rows, reading, cameras=known, notes=list(dict.fromkeys(notes)))


def read_camera_file(path: Path, problems: Problems, reading: Reading) -> tuple[Table, list[str]]:
    """A table of cameras with any titles, and notes. Raises InvalidInputError if no column is a camera."""
    return _read_cameras(path, _best_map(read_sheets(path), {}), problems, reading)


def _read_cameras(
    path: Path, columns: ColumnMap, problems: Problems, reading: Reading
) -> tuple[Table, list[str]]:
    sheet = _with_titles(path, columns.columns)
    _check_zones(sheet, columns)
    table = camera_table(sheet, columns, problems, date_format=reading.date_format)
    return table, [f"{sheet.name}: {columns.text()}", *_unread(sheet, columns), *sheet.notes]


def _detections(
    sheets: Sequence[Sheet], fixed: Mapping[str, str], saved: Mapping[str, str]
) -> tuple[Sheet, ColumnMap]:
    """The table that most likely has the detections, and its columns."""
    maps = [guess_columns(sheet, fixed) for sheet in sheets]
    best = max(range(len(sheets)), key=lambda i: (maps[i].is_detections, len(maps[i].fields)))
    sheet, found = sheets[best], maps[best]
    for name, title in saved.items():
        if title and fixed[name] == title and title not in sheet.titles:
            raise InvalidInputError(
                f"{sheet.name} has no column {title!r} any more, which was read as {name}; name another one "
                f"with --map {name}=COLUMN, or none with --map {name}=",
                field="map",
            )
    if not found.is_detections:
        raise InvalidInputError(
            f"{sheet.name}: it is not clear which columns are camera, time and image; read so far: "
            f"{found.text() or 'none'}; its columns are {', '.join(sheet.titles)}; add --map FIELD=COLUMN, "
            f"with the fields {', '.join(FIELDS)}",
            field="map",
        )
    return sheet, found


def _best_map(sheets: Sequence[Sheet], fixed: Mapping[str, str]) -> ColumnMap:
    """The columns of the table that most likely has the cameras. Raises InvalidInputError without one."""
    maps = [guess_columns(sheet, fixed, cameras=True) for sheet in sheets]
    best = max(maps, key=lambda own: (own.is_cameras, len(own.fields)))
    if "camera_id" not in best.fields:
        raise InvalidInputError(
            f"{sheets[0].name}: it is not clear which column is the camera; its columns are "
            f"{', '.join(sheets[0].titles)}; add --map camera_id=COLUMN",
            field="map",
        )
    return best


def _choices(sheet: Sheet, found: ColumnMap, others: Sequence[Sheet]) -> Iterator[str]:
    for name, rival in found.rivals.items():
        read = found.columns[name]
        yield f"{rival!r} may be {name}, too; --map {name}={rival!r} reads it instead of {read!r}"
    if others:
        yield f"{sheet.name} has the detections; other sheets: {', '.join(other.name for other in others)}"


def _tables_beside(path: Path) -> Iterator[tuple[Path, Sheet]]:
    files = (file for file in sorted(path.parent.iterdir()) if file.suffix.lower() in SHEET_SUFFIXES)
    for file in list(files)[:EXAMINED_FILES]:
        if file != path and not file.name.startswith((".", "~")):
            try:
                yield from ((file, sheet) for sheet in read_sheets(file))
            except InvalidInputError:
                # a file that is no table
                continue


def _has_cameras(sheet: Sheet, found: ColumnMap, other: Sheet, cameras: ColumnMap) -> bool:
    """Whether another table has places of most cameras of the detections."""
    if "camera_id" not in found.fields or not cameras.is_cameras or not cameras.has_place:
        return False
    ours = {folded(row[found.columns["camera_id"]]) for row in sheet.rows.values()}
    theirs = {folded(row[cameras.columns["camera_id"]]) for row in other.rows.values()}
    return 2 * len(ours & theirs) > len(ours)


def _with_titles(path: Path, columns: Mapping[str, str]) -> Sheet:
    sheets = read_sheets(path)
    wanted = {title for title in columns.values() if title}
    found = next((sheet for sheet in sheets if wanted <= set(sheet.titles)), None)
    if found is None:
        absent = sorted(wanted - set(sheets[0].titles))
        raise InvalidInputError(
            f"{path} lacks the column {', '.join(absent)}, which was read before; its columns are "
            f"{', '.join(sheets[0].titles)}; name another one with --map",
            field=path.name,
        )
    return found


def _check_zones(sheet: Sheet, found: ColumnMap) -> None:
    """Raise InvalidInputError for metres of several projections, whose distances would be wrong."""
    title = next((title for title in sheet.titles if plain_title(title) in ZONES), "")
    zones = {row[title].strip() for row in sheet.rows.values() if title} - {""}
    if "x_m" in found.fields and len(zones) > 1:
        raise InvalidInputError(
            f"{sheet.name}, {title}: positions are in several zones ({', '.join(sorted(zones)[:SHOWN])}); "
            "convert them to latitude and longitude, or to one zone",
            field=title,
        )


def _unread(sheet: Sheet, found: ColumnMap) -> list[str]:
    unread = [title for title in sheet.titles if title not in found.columns.values()]
    return [f"{sheet.name}: columns not read: {', '.join(unread)}"] if unread else []
