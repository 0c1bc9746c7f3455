"""The map of a table: which column holds which field of a survey."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from spotted.errors import InvalidInputError
from spotted.formats.columns.dates import has_clock, is_date, is_unix, to_iso_clock
from spotted.formats.columns.names import (
    CAMERA_FIELDS,
    DETECTION_FIELDS,
    FIELDS,
    PLACE_FIELDS,
    STATION_FIELDS,
    rank,
)
from spotted.formats.columns.values import degrees_text, number_text
from spotted.formats.csv_cells import plain_text
from spotted.formats.row import LARGEST_DEG, MISSING
from spotted.formats.sheets import Sheet

# rows whose values are looked at
EXAMINED_ROWS = 500
# share of the values that have to fit a field
SHARE = 0.8
SHOWN = 3
_IMAGE = re.compile(r".*\.(jpe?g|png|webp|heic|heif|avif|tiff?)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """The columns of a table.

    >>> ColumnMap({"camera_id": "Station", "time": "Date"}).text()
    "'Station' as camera_id, 'Date' as time"
    """

    columns: Mapping[str, str]
    """Title by field; "" for a field that shall not be read."""
    rivals: Mapping[str, str] = field(default_factory=dict)
    """By field, another title that could be meant."""

    def text(self) -> str:
        """The map as a person reads it."""
        return ", ".join(f"{title!r} as {name}" for name, title in self.columns.items() if title)

    def apply(self, cells: Mapping[str, str]) -> dict[str, str]:
        """The cells of a row by field."""
        return {name: cells.get(title, "") for name, title in self.columns.items() if title}

    @property
    def fields(self) -> frozenset[str]:
        """The fields that have a column."""
        return frozenset(name for name, title in self.columns.items() if title)

    @property
    def has_place(self) -> bool:
        """Whether there is a pair of coordinates."""
        return {"latitude", "longitude"} <= self.fields or {"x_m", "y_m"} <= self.fields

    @property
    def is_detections(self) -> bool:
        """Whether the rows may be detections: they have an image or a time, and what tells them apart."""
        timed = bool({"time", "date"} & self.fields)
        placed = "camera_id" in self.fields or self.has_place
        return ("image" in self.fields and (timed or placed or "individual_id" in self.fields)) or (
            timed and placed
        )

    @property
    def is_cameras(self) -> bool:
        """Whether the rows may be cameras: they have an id and a place, or a period."""
        return "camera_id" in self.fields and (self.has_place or {"start", "end"} <= self.fields)


def guess_columns(
    sheet: Sheet, given: Mapping[str, str] | None = None, *, cameras: bool = False
) -> ColumnMap:
    """The map of a table from its titles, checked by its values.

    given: title by field, which are not guessed; "" for a field that shall not be read. Titles that the table
        lacks are for another table.
    cameras: whether the table is one of cameras.
    """
    usual = CAMERA_FIELDS if cameras else {**DETECTION_FIELDS, **STATION_FIELDS, **PLACE_FIELDS}
    fixed = {n: title for n, title in (given or {}).items() if not title or title in sheet.titles}
    rows = list(islice(sheet.rows.values(), EXAMINED_ROWS))
    taken, found, rivals = set(fixed.values()), dict(fixed), dict[str, str]()
    for name, names in usual.items():
        if name in fixed:
            continue
        ranked = sorted(
            (place, t) for t in sheet.titles if t not in taken and (place := rank(t, names)) is not None
        )
        fits = [t for _, t in ranked if _fits(name, [row[t] for row in rows], sheet)]
        if fits:
            found[name] = fits[0]
            taken.add(fits[0])
        if len(fits) > 1:
            rivals[name] = fits[1]
    found |= _settled(found, rows, fixed)
    if "image" not in found and not cameras:
        found |= _image_by_values(sheet, rows, taken)
    kept = {name: found[name] for name in FIELDS if found.get(name) or name in fixed}
    # a station beside the camera is read, and no rival of it
    return ColumnMap(
        kept, {n: title for n, title in rivals.items() if kept.get(n) and title not in kept.values()}
    )


def check_given(given: Mapping[str, str], sheets: Sequence[Sheet]) -> None:
    """Raise InvalidInputError for a field that does not exist, or a column that no table has."""
    for name, title in given.items():
        if name not in FIELDS:
            raise InvalidInputError(
                f"unknown field {name!r} in --map; fields are {', '.join(FIELDS)}", field="map"
            )
        if title and not any(title in sheet.titles for sheet in sheets):
            listed = "; ".join(f"{sheet.name} has {', '.join(sheet.titles)}" for sheet in sheets)
            raise InvalidInputError(
                f"--map {name}={title}: no column has the title {title!r}; {listed}", field="map"
            )


def _settled(
    found: Mapping[str, str], rows: Sequence[Mapping[str, str]], fixed: Mapping[str, str]
) -> dict[str, str]:
    """Corrections from values: x and y in degrees, one column with date and time, a day without a time."""
    changed: dict[str, str] = {}
    if _are_degrees(found, rows) and not {"x_m", "y_m"} & fixed.keys() and not found.get("latitude"):
        changed |= {"longitude": found["x_m"], "latitude": found["y_m"], "x_m": "", "y_m": ""}
    day = found.get("date", "")
    if day and not found.get("time") and "time" not in fixed:
        timed = _share([row[day] for row in rows], has_clock) >= SHARE
        if timed:
            changed |= {"time": day, "date": ""}
    clock = found.get("clock", "")
    if clock and not found.get("time") and not day and _share([row[clock] for row in rows], is_date) >= SHARE:
        changed |= {"time": clock, "clock": ""}
    return changed


def _are_degrees(found: Mapping[str, str], rows: Sequence[Mapping[str, str]]) -> bool:
    """Whether the values of x and y are degrees."""
    x, y = ([row[found[name]] if found.get(name) else "" for row in rows] for name in ("x_m", "y_m"))
    longitude, latitude = _share(x, _is_longitude), _share(y, _is_latitude)
    return min(longitude, latitude) >= SHARE


def _image_by_values(
    sheet: Sheet, rows: Sequence[Mapping[str, str]], taken: set[str]
) -> Iterator[tuple[str, str]]:
    free = (title for title in sheet.titles if title not in taken)
    title = next((t for t in free if _share([row[t] for row in rows], _is_image) >= SHARE), "")
    if title:
        yield "image", title


def _fits(name: str, texts: Sequence[str], sheet: Sheet) -> bool:
    """Whether values may be of a field; a column without values is of none that has a form."""
    check: Callable[[str], bool] | None = {
        "time": is_date,
        "date": is_date,
        "start": is_date,
        "end": is_date,
        "clock": lambda text: bool(to_iso_clock(text)) or is_date(text),
        "latitude": _is_latitude,
        "longitude": _is_longitude,
        "x_m": lambda text: _number(text, sheet),
        "y_m": lambda text: _number(text, sheet),
        "camera_id": lambda text: not has_clock(text) or is_unix(text),
    }.get(name)
    return check is None or _share(texts, check) >= SHARE / 2


def _share(texts: Sequence[str], fits: Callable[[str], bool]) -> float:
    written = [text for text in map(plain_text, texts) if text not in MISSING]
    return sum(map(fits, written)) / len(written) if written else 0.0


def _is_image(text: str) -> bool:
    return bool(_IMAGE.fullmatch(text))


def _is_latitude(text: str) -> bool:
    return _is_within(text, LARGEST_DEG[0])


def _is_longitude(text: str) -> bool:
    return _is_within(text, LARGEST_DEG[1])


def _is_within(text: str, limit: float) -> bool:
    try:
        return abs(float(degrees_text(text))) <= limit
    except ValueError:
        return False


def _number(text: str, sheet: Sheet) -> bool:
    try:
        return bool(float(number_text(text, decimal_comma=sheet.decimal_comma)) + 1.0)
    except ValueError:
        return False
