"""One row of a table as typed cells, with the problems found in them.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

from spotted.formats.csv_cells import plain_text
from spotted.formats.doubts.unknown_names import means_unknown
from spotted.formats.problems import Problems
from spotted.formats.timestamps import (
    UNIX_TIME,
    InstantError,
    NoTimeZoneError,
    day_seconds,
    unix_seconds,
    utc_seconds,
)
from spotted.survey import Camera

# empty cells as Camtrap DP, R and pandas write them
MISSING = frozenset({"", "NA", "NaN", "nan"})
# the largest latitude and longitude
LARGEST_DEG = (90.0, 180.0)
TRUE = frozenset({"true", "t", "yes", "1"})
FALSE = frozenset({"false", "f", "no", "0"})
SHOWN_LETTERS = 60
LONGEST_ID = 256
# boxes are often rounded to three decimals, so an edge may lie slightly outside the image
BOX_TOLERANCE = 1e-3

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table; a wrong cell is recorded in `problems` and read as missing.

    >>> row = Row("cameras.csv", 2, {"camera_id": "A1", "start": "", "x_m": "12,5"}, Problems())
    >>> row.text("camera_id"), row.number_between("x_m", 0.0, 1e6)
    ('A1', None)
    >>> row.problems.shown
    ["cameras.csv row 2, x_m '12,5' is not a number; write it with digits and a decimal point"]
    """

    file: str
    """Name of the file, for messages."""
    number: int
    """Row number as in a spreadsheet: the header is row 1."""
    cells: Mapping[str, str]
    """Unchanged texts by column."""
    problems: Problems
    """Collects the findings of the whole import."""
    decimal_comma: bool = False
    """Whether a comma in a number separates its decimals, as in tables delimited by semicolons."""

    @property
    def name(self) -> str:
        """File and row, for messages."""
        return f"{self.file} row {self.number}"

    def wrong(self, column: str, remedy: str, *, cause: str = "") -> None:
        """Record that a cell is wrong; `remedy` says why and how to correct it.

        cause: groups cells of a column whose remedies differ; the remedy by default.
        """
        location = f"{self.file}:{self.number}:{column}"
        cause = cause or remedy
        self.problems.add(self._about(column, remedy), location, cause=(self.file, column, cause))

    def doubt(self, column: str, remedy: str, *, outcome: str = "", is_time: bool = False) -> None:
        """Record that a cell is doubtful and not used; `remedy` says why and how to correct it.

        outcome: how it is read, unless the import stops.
        """
        location = f"{self.file}:{self.number}:{column}"
        times_of = (self.file, column) if is_time else None
        cause = (self.file, column, remedy)
        self.problems.doubt(
            self._about(column, remedy), location, cause=cause, outcome=outcome, times_of=times_of
        )

    def text(self, column: str) -> str:
        """The text without surrounding spaces, "" if it is missing."""
        text = plain_text(self.cells.get(column, ""))
        return "" if text in MISSING else text

    def identifier(self, column: str, *, required: bool = True) -> str:
        """An id: printable, at most LONGEST_ID characters, and present if `required`."""
        text = self.text(column)
        if not text.isascii():
            self.problems.spellings[text].add(self.cells[column].strip())
        if required and not text:
            self.wrong(column, "is missing; every row needs one")
        elif len(text) > LONGEST_ID or not text.isprintable():
            self.wrong(column, f"cannot be an id; use 1 to {LONGEST_ID} printable characters")
        return text

    def individual(self, column: str) -> str:
        """The id of a known animal, "" for a name that means that the animal is unknown."""
        text = self.identifier(column, required=False)
        if not means_unknown(text):
            return text
        self.problems.remark(
            f"{self.name}, {column} {text!r} is read as an unknown animal",
            cause=(self.file, column, "unknown"),
        )
        return ""

    def number_between(self, column: str, least: float, most: float, *, hint: str = "") -> float | None:
        """A finite number within limits, None if it is missing; `hint` is what may explain another one."""
        text = self.text(column)
        if not text:
            return None
        if self.decimal_comma and text.count(",") == 1 and "." not in text:
            text = text.replace(",", ".")
        try:
            value = float(text) if "_" not in text else math.nan
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            self.wrong(column, "is not a number; write it with digits and a decimal point")
            return None
        if not least <= value <= most:
            self.wrong(column, f"is outside {least:g} to {most:g}; correct it{hint}")
            return None
        return value

    def flag(self, column: str) -> bool:
        """True or false; False if it is missing."""
        text = self.text(column).lower()
        if text and text not in TRUE | FALSE:
            self.wrong(column, "is neither true nor false; write one of them")
        return text in TRUE

    def instant(self, column: str, zone: tzinfo | None) -> float | None:
        """A date and time as UTC seconds, None if it is missing or not believable."""
        return self._time(column, lambda text: utc_seconds(text, zone))

    def day(self, column: str, zone: tzinfo | None, *, end: bool) -> float | None:
        """A date and time, or the start or end of a day, as UTC seconds; None as in `instant`."""
        return self._time(column, lambda text: day_seconds(text, zone, end=end))

    def _time(self, column: str, parse: Callable[[str], float]) -> float | None:
        text = self.text(column)
        if not text:
            return None
        self.problems.times_read[self.file, column] += 1
        unix_s = unix_seconds(text)
        if unix_s is not None:
            self.problems.remark(
                f"{self.file}, {column}: numbers such as {text} are read as {UNIX_TIME}",
                cause=(self.file, column, "unix"),
            )
            return unix_s
        try:
            return parse(text)
        except NoTimeZoneError as error:
            # one answer mends every row, and without it all gaps would be unknown
            self.wrong(column, str(error))
        except InstantError as error:
            self.doubt(column, str(error), outcome="; taken as unknown", is_time=True)
        return None

    def _about(self, column: str, remedy: str) -> str:
        text = self.cells.get(column, "")
        shown = text if len(text) <= SHOWN_LETTERS else f"{text[:SHOWN_LETTERS]}..."
        return f"{self.name}, {column} {shown!r} {remedy}"

    def pair(self, first: str, second: str, limits: tuple[float, float]) -> tuple[float, float] | None:
        """Two coordinates within plus and minus `limits`, None if both are missing."""
        values = [
            self.number_between(c, -most, most, hint=f"; {first} and {second} may be swapped")
            for c, most in zip((first, second), limits, strict=True)
        ]
        if bool(self.text(first)) != bool(self.text(second)):
            self.wrong(first if self.text(second) else second, "is missing; give both coordinates or neither")
        return None if values[0] is None or values[1] is None else (values[0], values[1])

    def degrees(self, latitude: str, longitude: str) -> tuple[float, float] | None:
        """Latitude and longitude; None if both are missing. Zeros, often missing ones, are named."""
        position = self.pair(latitude, longitude, LARGEST_DEG)
        if position and not any(position):
            self.doubt(latitude, "and a longitude of 0 are a point in the ocean; write the camera's position")
        return position

    def box(self, columns: Sequence[str]) -> Box | None:
        """x, y, width, height as fractions of the image, clipped to it; None if all are missing."""
        if not any(self.text(column) for column in columns):
            return None
        for column in columns:
            if not self.text(column):
                self.wrong(column, "is missing; a box needs x, y, width and height")
        values = [self.number_between(column, 0.0, 1.0) for column in columns]
        if any(value is None for value in values):
            return None
        x, y, width, height = (value for value in values if value is not None)
        for column, start, size in ((columns[2], x, width), (columns[3], y, height)):
            if start + size > 1.0 + BOX_TOLERANCE:
                self.wrong(column, f"reaches beyond the image: {start:g} + {size:g} > 1; use fractions")
        width, height = min(width, 1.0 - x), min(height, 1.0 - y)
        if width <= 0.0 or height <= 0.0:
            self.wrong(
                columns[2 if width <= 0.0 else 3], "leaves no area; give the box a width and a height above 0"
            )
        return x, y, width, height


def distinct_rows(rows: Iterable[Row], column: str) -> Iterator[Row]:
    """The first row of each id; a missing id, and a repeated id with other content, are recorded."""
    first_of: dict[str, Row] = {}
    for row in rows:
        row_id = row.identifier(column)
        if not row_id:
            continue
        first = first_of.setdefault(row_id, row)
        if first is not row and first.cells != row.cells:
            row.wrong(column, f"is also in row {first.number}, with other content; give each row its own id")
        if first is row:
            yield row


def check_camera_period(row: Row, start: str, end: str, camera: Camera) -> None:
    """Record a period that ends before it starts."""
    if camera.start_s is not None and camera.end_s is not None and camera.end_s < camera.start_s:
        row.wrong(end, f"is before {start} {row.text(start)!r}; correct one of them")


def absolute_path(path: str | os.PathLike[str]) -> Path:
    """An absolute path without `..`; symbolic links are not resolved."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - Path.absolute keeps `..`, resolve follows links
