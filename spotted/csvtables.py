"""CSV tables read row by row, with every wrong value reported by file, row, column and remedy."""

from __future__ import annotations

import csv
import gzip
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import TextIO, cast

from spotted.csvcells import delimiter_of
from spotted.errors import InvalidInputError
from spotted.instants import InstantError, day_seconds, utc_seconds

# what an empty cell looks like in Camtrap DP and in tables written by R and pandas
MISSING = frozenset({"", "NA", "NaN", "nan"})
TRUE = frozenset({"true", "t", "yes", "1"})
FALSE = frozenset({"false", "f", "no", "0"})
SHOWN_PROBLEMS = 10
SHOWN_LETTERS = 60
LONGEST_ID = 256
# boxes are often rounded to three decimals, so an edge may stand a little outside
BOX_TOLERANCE = 1e-3

Box = tuple[float, float, float, float]


@dataclass(slots=True)
class Problems:
    """The wrong values found so far, so that a person sees ten at once and not one a run."""

    count: int = 0
    shown: list[str] = field(default_factory=list)
    first_field: str = ""

    def add(self, text: str, where: str = "") -> None:
        """Note a problem; `where` is its file, row and column."""
        if not self.count:
            self.first_field = where
        self.count += 1
        if len(self.shown) < SHOWN_PROBLEMS:
            self.shown.append(text)

    def raise_any(self) -> None:
        """Raise InvalidInputError that shows the first ten problems, where there are any."""
        if not self.count:
            return
        if self.count == 1:
            raise InvalidInputError(self.shown[0], field=self.first_field)
        many = (
            f"the first {len(self.shown)} of {self.count}"
            if self.count > len(self.shown)
            else f"{self.count}"
        )
        listed = "".join(f"\n  {text}" for text in self.shown)
        raise InvalidInputError(f"{many} problems:{listed}", field=self.first_field)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table; a cell that is wrong is noted in `problems` and reads as missing.

    number: as a spreadsheet counts, the header is row 1.
    cells: the texts as they stand, by column.
    """

    file: str
    number: int
    cells: Mapping[str, str]
    problems: Problems

    def wrong(self, column: str, remedy: str) -> None:
        """Note that a cell is wrong; `remedy` says why and what to do."""
        text = self.cells.get(column, "")
        shown = text if len(text) <= SHOWN_LETTERS else f"{text[:SHOWN_LETTERS]}..."
        where = f"{self.file}:{self.number}:{column}"
        self.problems.add(f"{self.file} row {self.number}, {column} {shown!r} {remedy}", where)

    def text(self, column: str) -> str:
        """A text without the spaces around it, "" where it is missing."""
        text = self.cells.get(column, "").strip()
        return "" if text in MISSING else text

    def identifier(self, column: str, *, required: bool = True) -> str:
        """An id: printable, not too long, and there where it is required."""
        text = self.text(column)
        if required and not text:
            self.wrong(column, "is missing; every row needs one")
        elif len(text) > LONGEST_ID or not text.isprintable():
            self.wrong(column, f"cannot be an id; use 1 to {LONGEST_ID} printable characters")
        return text

    def number_between(self, column: str, least: float, most: float) -> float | None:
        """A finite number within limits, None where it is missing."""
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
        """True or false, False where it is missing."""
        text = self.text(column).lower()
        if text and text not in TRUE | FALSE:
            self.wrong(column, "is neither true nor false; write one of them")
        return text in TRUE

    def instant(self, column: str, zone: tzinfo | None) -> float | None:
        """A date and time as UTC seconds, None where it is missing."""
        try:
            return utc_seconds(self.text(column), zone) if self.text(column) else None
        except InstantError as error:
            self.wrong(column, str(error))
            return None

    def day(self, column: str, zone: tzinfo | None, *, end: bool) -> float | None:
        """A date and time, or the begin or end of a day, as UTC seconds, None where it is missing."""
        try:
            return day_seconds(self.text(column), zone, end=end) if self.text(column) else None
        except InstantError as error:
            self.wrong(column, str(error))
            return None

    def pair(self, first: str, second: str, limits: tuple[float, float]) -> tuple[float, float] | None:
        """Two coordinates within plus and minus `limits`, None where both are missing."""
        values = [
            self.number_between(c, -most, most) for c, most in zip((first, second), limits, strict=True)
        ]
        if bool(self.text(first)) != bool(self.text(second)):
            self.wrong(first if self.text(second) else second, "is missing; give both coordinates or neither")
        return None if values[0] is None or values[1] is None else (values[0], values[1])

    def box(self, columns: Sequence[str]) -> Box | None:
        """x, y, width, height as fractions of the image, cut at its edges; None where all are missing."""
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
            self.wrong(columns[2 if width <= 0.0 else 3], "leaves no area; give the box a size")
        return x, y, width, height


def read_table(path: Path, required: Sequence[str], problems: Problems) -> Iterator[Row]:
    """The rows of a CSV, plain or gzip by its name, in UTF-8 with or without byte order mark.

    Blank lines are passed over; rows of another length than the header are noted in `problems`.
    Raises InvalidInputError where the file cannot be read or lacks a required column.
    """
    try:
        with _opened(path) as handle:
            yield from _rows(path.name, handle, required, problems)
    except FileNotFoundError as error:
        raise InvalidInputError(f"there is no file {path}; check the path", field=path.name) from error
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{path} is not in UTF-8; save it as CSV UTF-8", field=path.name) from error
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInputError(f"{path} cannot be read: {error}", field=path.name) from error


def _opened(path: Path) -> TextIO:
    # text mode, so both calls answer a text stream
    handle = (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8-sig", newline="")
    return cast("TextIO", handle)


def _rows(file: str, handle: TextIO, required: Sequence[str], problems: Problems) -> Iterator[Row]:
    delimiter = delimiter_of(handle.readline())
    handle.seek(0)
    reader = csv.reader(handle, delimiter=delimiter, strict=True)
    try:
        header = [title.strip() for title in next(reader, [])]
        _check_header(file, header, required)
        for number, cells in enumerate(reader, start=2):
            if len(cells) == len(header):
                yield Row(file, number, dict(zip(header, cells, strict=True)), problems)
            elif cells:
                problems.add(
                    f"{file} row {number} has {len(cells)} cells, the header {len(header)}; "
                    "put texts that hold commas or line breaks in quotation marks",
                    f"{file}:{number}",
                )
    except csv.Error as error:
        raise InvalidInputError(
            f"{file} line {reader.line_num}: {error}; double quotation marks inside quoted texts", field=file
        ) from error


def _check_header(file: str, header: Sequence[str], required: Sequence[str]) -> None:
    absent = [column for column in required if column not in header]
    if absent:
        raise InvalidInputError(
            f"{file} lacks the column {', '.join(absent)}; it has {', '.join(header) or 'none'}; "
            "add it or rename one",
            field=file,
        )
    twice = [column for column in dict.fromkeys(header) if column and header.count(column) > 1]
    if twice:
        raise InvalidInputError(f"{file} has the column {', '.join(twice)} twice; rename one", field=file)
