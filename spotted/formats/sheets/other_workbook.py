"""Workbooks of older and other programs, .xls, .xlsb and .ods, as the texts that a person sees in them.

They are read by python-calamine, the extra `sheets`.
"""

from __future__ import annotations

import os
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TypeAlias

from spotted.errors import InvalidInputError
from spotted.formats.sheets.text import Grid, has_reader
from spotted.formats.sheets.workbook import check_size, value_text

REMEDY = "pip install 'spotted[sheets]', or save it as .xlsx or CSV UTF-8"
STDERR = 2
Value: TypeAlias = int | float | str | bool | time | date | datetime | timedelta


def read_other_workbook(path: Path) -> dict[str, Grid]:
    """The visible sheets with at least one cell, by name in the order of the workbook.

    A merged cell has its text in each of its rows and columns, except in .ods, which does not tell. Raises
    InvalidInputError if the file cannot be read, or its reader is not installed.
    """
    if not has_reader():
        raise InvalidInputError(
            f"{path} is a {path.suffix.lower()} file, which needs python-calamine; {REMEDY}", field=path.name
        )
    from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum  # noqa: PLC0415 - an extra

    grids = {}
    try:
        if zipfile.is_zipfile(path):
            check_size(path)
        with _without_traces(), CalamineWorkbook.from_path(path) as book:
            for listed in book.sheets_metadata:
                if listed.visible is not SheetVisibleEnum.Visible:
                    continue
                sheet = book.get_sheet_by_name(listed.name)
                grid = _grid(listed.name, sheet.to_python(skip_empty_area=False), sheet.merged_cell_ranges)
                if grid.rows:
                    grids[listed.name] = grid
    except FileNotFoundError as error:
        raise InvalidInputError(f"file not found: {path}; check the path", field=path.name) from error
    except InvalidInputError:
        raise
    except BaseException as error:
        # the panics of Rust on damaged files are no Exception, and their class has no public name
        is_panic = type(error).__name__ == "PanicException"
        if not isinstance(error, CalamineError | OSError | ValueError | zipfile.BadZipFile) and not is_panic:
            raise
        raise InvalidInputError(
            f"{path} cannot be read as a workbook: {error}; save it again as .xlsx, or as CSV UTF-8",
            field=path.name,
        ) from error
    return grids


@contextmanager
def _without_traces() -> Iterator[None]:
    """Discard what Rust writes about its panics past Python; the error itself says what is wrong."""
    sys.stderr.flush()
    kept = os.dup(STDERR)
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - os.devnull is no path everywhere
            os.dup2(nowhere.fileno(), STDERR)
        yield
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)


def _grid(
    name: str,
    values: Sequence[Sequence[Value]],
    merged: Sequence[tuple[tuple[int, int], tuple[int, int]]] | None,
) -> Grid:
    rows = [list(row) for row in values]
    for (top, left), (bottom, right) in merged or ():
        for row in rows[top : bottom + 1]:
            row[left : right + 1] = [rows[top][left]] * len(row[left : right + 1])
    # a cell has no format here, so a day in a column of times is midnight
    width = max(map(len, rows), default=0)
    timed = [any(isinstance(row[at], datetime) for row in rows if at < len(row)) for at in range(width)]
    texts = [[_text(value, timed=timed[at]) for at, value in enumerate(row)] for row in rows]
    notes = (f"sheet {name!r} has merged cells; their text counts in each of their rows",) if merged else ()
    return Grid({n: row for n, row in enumerate(texts, start=1) if any(map(str.strip, row))}, notes)


def _text(value: Value, *, timed: bool) -> str:
    if timed and isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    return value_text(value, "h" if timed else "")
