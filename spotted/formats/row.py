"""One row of a table as typed cells, with the problems found in them.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from spotted.errors import InvalidInputError
from spotted.formats.timestamps import InstantError, day_seconds, utc_seconds
from spotted.survey import Camera

# empty cells as Camtrap DP, R and pandas write them
MISSING = frozenset({"", "NA", "NaN", "nan"})
TRUE = frozenset({"true", "t", "yes", "1"})
FALSE = frozenset({"false", "f", "no", "0"})
SHOWN_PROBLEMS = 10
SHOWN_LETTERS = 60
LONGEST_ID = 256
# boxes are often rounded to three decimals, so an edge may lie slightly outside the image
BOX_TOLERANCE = 1e-3
# a period rounded to the minute may exclude the seconds of its first or last image
PERIOD_TOLERANCE_S = 60.0
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")

Box = tuple[float, float, float, float]


@dataclass(slots=True)
class Problems:
    """Wrong values collected while reading, so that a user sees ten per run instead of one."""

    count: int = 0
    """Number of problems, shown or not."""
    shown: list[str] = field(default_factory=list)
    """Messages of the first SHOWN_PROBLEMS."""
    first_field: str = ""
    """Location of the first one, as file:row:column."""

    def add(self, text: str, location: str = "") -> None:
        """Record a problem; `location` is file:row:column."""
        if not self.count:
            self.first_field = location
        self.count += 1
        if len(self.shown) < SHOWN_PROBLEMS:
            self.shown.append(text)

    def raise_any(self) -> None:
        """Raise InvalidInputError with the first ten problems, if there are any."""
        if not self.count:
            return
        if self.count == 1:
            raise InvalidInputError(self.shown[0], field=self.first_field)
        more = f", the first {len(self.shown)}" if self.count > len(self.shown) else ""
        listed = "".join(f"\n  {text}" for text in self.shown)
        raise InvalidInputError(f"{self.count} problems{more}:{listed}", field=self.first_field)


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
    """Collects the problems of the whole import."""

    def wrong(self, column: str, remedy: str) -> None:
        """Record that a cell is wrong; `remedy` says why and how to correct it."""
        text = self.cells.get(column, "")
        shown = text if len(text) <= SHOWN_LETTERS else f"{text[:SHOWN_LETTERS]}..."
        location = f"{self.file}:{self.number}:{column}"
        self.problems.add(f"{self.file} row {self.number}, {column} {shown!r} {remedy}", location)

    def text(self, column: str) -> str:
        """The text without surrounding spaces, "" if it is missing."""
        text = self.cells.get(column, "").strip()
        return "" if text in MISSING else text

    def identifier(self, column: str, *, required: bool = True) -> str:
        """An id: printable, at most LONGEST_ID characters, and present if `required`."""
        text = self.text(column)
        if required and not text:
            self.wrong(column, "is missing; every row needs one")
        elif len(text) > LONGEST_ID or not text.isprintable():
            self.wrong(column, f"cannot be an id; use 1 to {LONGEST_ID} printable characters")
        return text

    def number_between(self, column: str, least: float, most: float) -> float | None:
        """A finite number within limits, None if it is missing."""
        text = self.text(column)
        if not text:
            return None
        try:
            value = float(text) if "_" not in text else math.nan
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            self.wrong(column, "is not a number; write it with digits and a decimal point")
            return None
        if not least <= value <= most:
            self.wrong(column, f"is outside {least:g} to {most:g}; correct it")
            return None
        return value

    def flag(self, column: str) -> bool:
        """True or false; False if it is missing."""
        text = self.text(column).lower()
        if text and text not in TRUE | FALSE:
            self.wrong(column, "is neither true nor false; write one of them")
        return text in TRUE

    def instant(self, column: str, zone: tzinfo | None) -> float | None:
        """A date and time as UTC seconds, None if it is missing."""
        try:
            return utc_seconds(self.text(column), zone) if self.text(column) else None
        except InstantError as error:
            self.wrong(column, str(error))
            return None

    def day(self, column: str, zone: tzinfo | None, *, end: bool) -> float | None:
        """A date and time, or the start or end of a day, as UTC seconds; None if it is missing."""
        try:
            return day_seconds(self.text(column), zone, end=end) if self.text(column) else None
        except InstantError as error:
            self.wrong(column, str(error))
            return None

    def pair(self, first: str, second: str, limits: tuple[float, float]) -> tuple[float, float] | None:
        """Two coordinates within plus and minus `limits`, None if both are missing."""
        values = [
            self.number_between(c, -most, most) for c, most in zip((first, second), limits, strict=True)
        ]
        if bool(self.text(first)) != bool(self.text(second)):
            self.wrong(first if self.text(second) else second, "is missing; give both coordinates or neither")
        return None if values[0] is None or values[1] is None else (values[0], values[1])

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


def check_captured(row: Row, column: str, captured_at_s: float | None, camera: Camera) -> None:
    """Record an instant more than a minute outside the period of a camera with a trusted clock."""
    if captured_at_s is None or camera.clock_suspect:
        return
    remedy = "correct one of the two, or mark the clock of the camera as suspect"
    if camera.start_s is not None and captured_at_s < camera.start_s - PERIOD_TOLERANCE_S:
        row.wrong(
            column,
            f"({_utc(captured_at_s)}) is before its camera {camera.camera_id!r} started "
            f"({_utc(camera.start_s)}); {remedy}",
        )
    if camera.end_s is not None and captured_at_s > camera.end_s + PERIOD_TOLERANCE_S:
        row.wrong(
            column,
            f"({_utc(captured_at_s)}) is after its camera {camera.camera_id!r} ended "
            f"({_utc(camera.end_s)}); {remedy}",
        )


def image_path(row: Row, column: str, images_root: Path) -> Path | None:
    """The image that a cell names, inside `images_root`; None if the cell is empty.

    Relative paths start at `images_root`, absolute ones must lie inside it, and neither may leave it by `..`,
    so that a package from somebody else cannot read other files. A backslash separates folders, as on
    Windows. Symbolic links are followed because image folders are often links.
    """
    text = row.text(column)
    if not text:
        return None
    if _URL.match(text):
        row.wrong(column, "is a URL; download the images and write their local paths")
        return None
    path = Path(os.path.normpath(images_root / text.replace("\\", "/")))
    if not path.is_relative_to(images_root):
        row.wrong(
            column, f"lies outside {images_root}; give the folder that contains all images as images root"
        )
        return None
    return path


def absolute_path(path: str | os.PathLike[str]) -> Path:
    """An absolute path without `..`; symbolic links are not resolved."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - Path.absolute keeps `..`, resolve follows links


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
