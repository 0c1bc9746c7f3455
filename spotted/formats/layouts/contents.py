"""The content of a file or directory, as far as its layout shows in it."""

from __future__ import annotations

import csv
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from spotted.errors import InvalidInputError
from spotted.formats.csv_cells import find_delimiter
from spotted.formats.csv_table import open_table
from spotted.formats.sheets import EXTRA_SUFFIXES, WORKBOOK_SUFFIXES, read_sheets

SHOWN_FILES = 8
WORKBOOKS = WORKBOOK_SUFFIXES | EXTRA_SUFFIXES


def files_below(root: Path, suffixes: frozenset[str]) -> Iterator[Path]:
    """Files with one of the suffixes, sorted at every level, without hidden ones."""
    for directory, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "@", "__MACOSX")))
        for name in sorted(files):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in suffixes:  # noqa: PTH122 - Path is slow for each of a million names
                yield Path(directory, name)


def only_folder(root: Path) -> list[Path]:
    """The folder in which most archives contain everything, [] if there is more."""
    seen = [path for path in root.iterdir() if not path.name.startswith(".")] if root.is_dir() else []
    return seen if len(seen) == 1 and seen[0].is_dir() else []


def columns_of(table: Path) -> tuple[str, ...]:
    """The titles of a CSV, () if it cannot be read as text."""
    try:
        with open_table(table) as handle:
            first = handle.readline()
    except (OSError, EOFError, zlib.error, UnicodeError):
        return ()
    return tuple(title.strip() for title in next(csv.reader([first], delimiter=find_delimiter(first)), []))


def damages(tables: Iterable[Path]) -> list[str]:
    """Why workbooks among tables cannot be read, for messages."""
    found = []
    for path in tables:
        if path.suffix.lower() in WORKBOOKS:
            try:
                read_sheets(path)
            except InvalidInputError as error:
                found.append(str(error))
    return found


def describe(root: Path) -> str:
    """The files of a directory, or the columns of a table, for messages."""
    if not root.is_dir():
        columns = ", ".join(columns_of(root)[:SHOWN_FILES]) if root.suffix.lower() == ".csv" else ""
        return f"Its columns are {columns}." if columns else "It is a file of another kind."
    names = sorted(path.name + ("/" if path.is_dir() else "") for path in root.iterdir())
    more = f" and {len(names) - SHOWN_FILES:,} more" if len(names) > SHOWN_FILES else ""
    return f"It contains {', '.join(names[:SHOWN_FILES])}{more}."
