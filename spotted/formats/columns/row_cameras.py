"""The camera of each row: its station by the path, one spelling, and its name in a table of cameras."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from spotted.formats.imported_survey import format_count
from spotted.formats.photographs.stations import StationPattern, folded, guess_pattern
from spotted.formats.row import Row

SHOWN = 3


def with_stations(rows: Sequence[Row], station: str) -> tuple[list[Row], list[str]]:
    """The rows with a camera: their own, or the station in their path; and a note.

    station: a pattern of paths (see `StationPattern`); guessed for rows without a camera by default.
    """
    if any(row.text("camera_id") for row in rows) and not station:
        return list(rows), []
    paths = [path_of(row) for row in rows]
    pattern = StationPattern(station) if station else guess_pattern([path for path in paths if path])
    if pattern is None:
        return list(rows), []
    found = [pattern.station(path) for path in paths]
    names = list(dict.fromkeys(filter(None, found)))
    note = (
        f"stations by the pattern '{pattern.text}' of paths: {format_count(len(names), 'station')} "
        f"({', '.join(map(repr, names[:SHOWN]))}); --station PATTERN changes it"
    )
    if not station and any(row.text("latitude") or row.text("x_m") for row in rows):
        return list(rows), []
    return [
        replace(row, cells={**row.cells, "camera_id": camera_id})
        for row, camera_id in zip(rows, found, strict=True)
    ], [note]


def one_spelling(rows: Sequence[Row]) -> tuple[list[Row], list[str]]:
    """The rows with one spelling of each camera, whatever its case and spaces, and a note."""
    first: dict[str, str] = {}
    others: dict[str, str] = {}
    spelled = []
    for row in rows:
        written = row.text("camera_id")
        own = first.setdefault("".join(written.split()).casefold(), written)
        others |= {written: own} if own != written else {}
        spelled.append(with_camera(row, own))
    listed = ", ".join(f"{written!r} as {own!r}" for written, own in list(others.items())[:SHOWN])
    return spelled, [
        f"cameras that differ only in case or spaces are read as one: {listed}"
    ] if others else []


def known_as(camera_id: str, names: Collection[str]) -> str:
    """The camera of a table that is written like this but for case and separators."""
    if camera_id in names:
        return camera_id
    alike = [name for name in names if folded(name) == folded(camera_id)]
    return alike[0] if len(alike) == 1 else camera_id


def with_camera(row: Row, camera_id: str) -> Row:
    """A row of another camera."""
    return (
        row
        if row.text("camera_id") == camera_id
        else replace(row, cells={**row.cells, "camera_id": camera_id})
    )


def path_of(row: Row) -> str:
    """The path of the image as written, with slashes."""
    folder, name = (row.text(column).replace("\\", "/") for column in ("folder", "image"))
    return f"{folder.rstrip('/')}/{name}".removeprefix("./") if folder and name else name
