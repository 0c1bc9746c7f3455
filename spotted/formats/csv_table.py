"""CSV tables read row by row, with every wrong value reported by file, row, column and remedy."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO, cast

from spotted.errors import InvalidInputError
from spotted.formats.csv_cells import delimiter_of
from spotted.formats.row import Problems, Row


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
