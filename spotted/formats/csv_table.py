"""CSV tables read row by row; each wrong value is reported with file, row, column and remedy."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TextIO, cast

from spotted.errors import InvalidInputError
from spotted.formats.csv_cells import declared_delimiter, find_delimiter, find_encoding
from spotted.formats.problems import Problems
from spotted.formats.row import Row

# the longest byte order mark
_HEAD_BYTES = 4


def read_table(
    path: Path, required: Sequence[str], problems: Problems, *, delimiter: str = ""
) -> Iterator[Row]:
    r"""The rows of a CSV (gzip if named .gz) in UTF-8 or UTF-16, with or without byte order mark.

    delimiter: as a descriptor declares it; by default it is found in the header.
    A first line `sep=;` is obeyed. Blank lines and rows of empty cells are skipped; empty cells that are
    missing at the end of a row, or stand beyond the header, do not count. Other rows with more or fewer cells
    than the header are recorded in `problems`.
    Raises InvalidInputError if the file cannot be read or lacks a required column.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = Path(folder, "cameras.csv")
    ...     _ = table.write_text("camera_id;x_m\nC1;120\nC2;95.5\n")
    ...     [(row.number, row.text("camera_id")) for row in read_table(table, ["x_m"], Problems())]
    [(2, 'C1'), (3, 'C2')]
    """
    try:
        with open_table(path) as handle:
            yield from _rows(path.name, handle, required, problems, delimiter)
    except FileNotFoundError as error:
        raise InvalidInputError(f"file not found: {path}; check the path", field=path.name) from error
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            f"{path} is encoded neither in UTF-8 nor in UTF-16; save it as CSV UTF-8", field=path.name
        ) from error
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInputError(f"{path} cannot be read: {error}", field=path.name) from error


def check_columns(row: Row, known: Sequence[str]) -> None:
    """Record columns that are not read, as wrong if one is a known one but for case and spaces.

    row: any row of the table.
    """
    unread = [title for title in row.cells if title and title not in known]
    meant = {title: title.casefold().replace(" ", "_") for title in unread}
    for title, name in meant.items():
        if name in known and name not in row.cells:
            row.problems.add(
                f"{row.file} has the column {title!r}, which is read only as {name!r}; rename it",
                f"{row.file}:1:{title}",
            )
    if unread:
        row.problems.remark(f"{row.file}: columns not read: {', '.join(unread)}", cause=(row.file, "unread"))


def open_table(path: Path) -> TextIO:
    """A text table (gzip if named .gz), read from behind its byte order mark."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as content:
        mark, encoding = find_encoding(content.read(_HEAD_BYTES))
    # these read over the mark, also after a return to the start
    encoding = {"utf-8": "utf-8-sig"}.get(encoding, encoding[:6] if mark else encoding)
    # both calls return a text stream in text mode
    return cast("TextIO", opened(path, "rt", encoding=encoding, newline=""))


def _rows(
    file: str, handle: TextIO, required: Sequence[str], problems: Problems, given: str
) -> Iterator[Row]:
    first = handle.readline()
    declared = declared_delimiter(first)
    delimiter = declared or find_delimiter(first.strip("\r\n"), required, declared=given)
    if not declared:
        handle.seek(0)
    reader = csv.reader(handle, delimiter=delimiter, strict=True)
    try:
        header = [title.strip() for title in next(reader, [])]
        _check_header(file, header, required)
        for number, cells in enumerate(reader, start=2):
            # DOS programs end a file with the character 26
            if not any(cell.strip().strip("\x1a") for cell in cells):
                continue
            fault = _length_fault(cells, header, required)
            if fault:
                problems.add(
                    f"{file} row {number} {fault}; put texts with commas or line breaks in quotation marks",
                    f"{file}:{number}",
                )
                continue
            # spreadsheets drop empty cells at the end of a row, and write some beyond the last title
            texts = dict(zip_longest(header, cells[: len(header)], fillvalue=""))
            yield Row(file, number, texts, problems, decimal_comma=delimiter != ",")
    except csv.Error as error:
        raise InvalidInputError(
            f"{file} line {reader.line_num}: {error}; double quotation marks inside quoted texts", field=file
        ) from error


def _length_fault(cells: Sequence[str], header: Sequence[str], required: Sequence[str]) -> str:
    """A message if a row cannot belong to the header: texts beyond it, or required cells that are missing."""
    needed = 1 + max((header.index(column) for column in required), default=0)
    if needed <= len(cells) and not any(cell.strip() for cell in cells[len(header) :]):
        return ""
    return f"has {len(cells)} cells, but the header has {len(header)}"


def _check_header(file: str, header: Sequence[str], required: Sequence[str]) -> None:
    absent = [column for column in required if column not in header]
    if absent:
        raise InvalidInputError(
            f"{file} lacks the column {', '.join(absent)}; its columns are {', '.join(header) or '(none)'}; "
            "add the column or rename one",
            field=file,
        )
    twice = [column for column in dict.fromkeys(header) if column and header.count(column) > 1]
    if twice:
        raise InvalidInputError(f"{file} has the column {', '.join(twice)} twice; rename one", field=file)
