"""Delimited text in the encodings and with the delimiters that spreadsheets write."""

from __future__ import annotations

import csv
import gzip
import importlib.util
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spotted.errors import InvalidInputError
from spotted.formats.csv_cells import declared_delimiter, find_encoding

# several titles in one line are separated by one of these
DELIMITERS = ",;\t|"
# lines in which the delimiter is looked for
EXAMINED_LINES = 20
EXAMINED_BYTES = 262_144
# cells of one line, above the 128 kB of Python's default
LARGEST_CELL = 10_000_000


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells of a table before its titles are known."""

    rows: dict[int, list[str]]
    """Cells by number of the row, counted from 1; without empty rows."""
    notes: tuple[str, ...] = ()
    """How the file was read, if that had to be guessed."""
    decimal_comma: bool = False
    """Whether a comma may separate decimals, since it does not separate cells."""


def has_reader() -> bool:
    """Whether the extra `sheets` is installed, which reads .xls, .xlsb and .ods."""
    return importlib.util.find_spec("python_calamine") is not None


def read_text(path: Path, *, start: bool = False) -> Grid:
    """The cells of a text table (gzip if named .gz).

    start: whether the first EXAMINED_BYTES are enough.
    Raises InvalidInputError if the file cannot be read.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as handle:
            content = handle.read(EXAMINED_BYTES if start else -1)
        if len(content) == EXAMINED_BYTES and start:
            # whole lines, of two bytes a letter if need be
            content = content[: content.rfind(b"\n")]
    except FileNotFoundError as error:
        raise InvalidInputError(f"file not found: {path}; check the path", field=path.name) from error
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInputError(f"{path} cannot be read: {error}", field=path.name) from error
    text, notes = _decoded(path, content)
    first, _, rest = text.partition("\n")
    declared = declared_delimiter(first)
    delimiter = declared or _delimiter(text)
    try:
        return Grid(
            dict(_rows(rest if declared else text, delimiter, skipped=bool(declared))),
            notes,
            delimiter != ",",
        )
    except csv.Error as error:
        raise InvalidInputError(
            f"{path}: {error}; double quotation marks inside quoted texts", field=path.name
        ) from error


def _decoded(path: Path, content: bytes) -> tuple[str, tuple[str, ...]]:
    mark, encoding = find_encoding(content)
    try:
        return content[len(mark) :].decode(encoding), ()
    except UnicodeDecodeError as error:
        if mark or b"\0" in content:
            raise InvalidInputError(
                f"{path} is no text; save it as CSV UTF-8 or .xlsx", field=path.name
            ) from error
    # every byte but five has a letter in this one, which Excel writes in western countries
    text = content.decode("cp1252", "replace")
    strange = next(word for word in re.findall(r"\w+|\S", text) if not word.isascii())
    note = (
        f"{path.name} is not encoded in UTF-8 and was read as Windows-1252; if {strange!r} is wrong, save it "
        "as CSV UTF-8"
    )
    return text, (note,)


def _delimiter(text: str) -> str:
    """The delimiter that separates the same number of cells in most of the first lines."""
    lines = [row for row in text.splitlines()[:EXAMINED_LINES] if row.strip()]

    def merit(mark: str) -> tuple[int, int]:
        widths = [len(cells) for cells in csv.reader(lines, delimiter=mark)]
        common = max(set(widths), key=lambda width: (width > 1, widths.count(width), width), default=0)
        return (widths.count(common) if common > 1 else 0, common)

    # max keeps the first of equal ones
    return max(DELIMITERS, key=merit)


def _rows(text: str, delimiter: str, *, skipped: bool) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(LARGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    for number, cells in enumerate(reader, start=2 if skipped else 1):
        # DOS programs end a file with the character 26
        if any(cell.strip().strip("\x1a") for cell in cells):
            yield number, cells
