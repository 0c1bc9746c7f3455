"""Sheets of an .xlsx workbook as the texts that a person sees in them."""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

from openpyxl import load_workbook
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from spotted.errors import InvalidInputError
from spotted.formats.sheets.text import Grid

# a damaged part of the zip of XML files raises one of these inside openpyxl
_BROKEN = (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, TypeError, IndexError, OSError)
# a workbook much larger unpacked than any survey is an attack
LARGEST_BYTES = 2_000_000_000
# whole numbers below it are exact in a spreadsheet
EXACT = 1e15
_ZEROS = re.compile(r"0+")
FORMULA, FAULT = "f", "e"


def read_workbook(path: Path) -> dict[str, Grid]:
    """The visible sheets with at least one cell, by name in the order of the workbook.

    A merged cell has its text in each of its rows and columns. Raises InvalidInputError if the file cannot be
    read, or a formula has no value.
    """
    try:
        check_size(path)
        with warnings.catch_warnings():
            # styles and extensions that openpyxl does not keep
            warnings.simplefilter("ignore")
            written = load_workbook(path)
            values = load_workbook(path, data_only=True) if _has_formulas(written) else written
    except FileNotFoundError as error:
        raise InvalidInputError(f"file not found: {path}; check the path", field=path.name) from error
    except _BROKEN as error:
        raise InvalidInputError(
            f"{path} cannot be read as a workbook: {error}; save it again as .xlsx, or as CSV UTF-8",
            field=path.name,
        ) from error
    grids = {}
    for sheet in written.worksheets:
        if sheet.sheet_state == "visible":
            _check_formulas(path, sheet, values[sheet.title])
            grid = _grid(values[sheet.title])
            if grid.rows:
                grids[sheet.title] = grid
    return grids


def check_size(path: Path) -> None:
    """Raise InvalidInputError for a zip that is much larger unpacked than any survey."""
    with zipfile.ZipFile(path) as archive:
        if sum(member.file_size for member in archive.infolist()) > LARGEST_BYTES:
            raise InvalidInputError(
                f"{path} is over {LARGEST_BYTES / 1e9:g} GB unpacked; save it as CSV UTF-8", field=path.name
            )


def _cells(sheet: Worksheet) -> Iterator[Cell]:
    for row in sheet.iter_rows():
        yield from (cell for cell in row if isinstance(cell, Cell))


def _has_formulas(workbook: Workbook) -> bool:
    return any(cell.data_type == FORMULA for sheet in workbook.worksheets for cell in _cells(sheet))


def _check_formulas(path: Path, written: Worksheet, values: Worksheet) -> None:
    for cell in _cells(written):
        if cell.data_type == FORMULA and values[cell.coordinate].value is None:
            raise InvalidInputError(
                f"{path.name}, sheet {written.title!r}, cell {cell.coordinate} has a formula without a "
                "value; open the workbook in a spreadsheet program and save it",
                field=path.name,
            )


def _grid(sheet: Worksheet) -> Grid:
    owners: dict[tuple[int, int], tuple[int, int]] = {}
    for merged in sheet.merged_cells.ranges:
        top = (merged.min_row, merged.min_col)
        owners |= dict.fromkeys(((row, column) for row, column in merged.cells), top)
    rows: dict[int, list[str]] = {}
    faults = 0
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        texts = []
        for cell in cells:
            owner = owners.get((number, cell.column or 0))
            shown = sheet.cell(*owner) if owner else cell
            faults += shown.data_type == FAULT
            texts.append("" if isinstance(shown, MergedCell) or shown.data_type == FAULT else _text(shown))
        if any(text.strip() for text in texts):
            rows[number] = texts
    merged_note = (
        [f"sheet {sheet.title!r} has merged cells; their text counts in each of their rows"] if owners else []
    )
    cells_of = "1 cell" if faults == 1 else f"{faults:,} cells"
    fault_note = [f"sheet {sheet.title!r} has errors, such as #N/A, in {cells_of}"] if faults else []
    return Grid(rows, (*merged_note, *fault_note))


def _text(cell: Cell) -> str:
    """The value of a cell as text: dates as ISO 8601, whole numbers without a decimal point."""
    return value_text(cell.value, cell.number_format or "")


def value_text(value: object, pattern: str) -> str:
    """A value as text. pattern: the format of its cell.

    >>> value_text(12.0, "000"), value_text(date(2020, 3, 24), ""), value_text(None, "")
    ('012', '2020-03-24', '')
    """
    if isinstance(value, date | time | timedelta):
        return _time_text(value, pattern)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        value = int(value)
    if isinstance(value, int) and _ZEROS.fullmatch(pattern):
        return str(value).zfill(len(pattern))
    return "" if value is None else str(value)


def _time_text(value: date | time | timedelta, pattern: str) -> str:
    if isinstance(value, timedelta):
        # a time of day over 24 hours is a duration
        seconds = round(value.total_seconds())
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if isinstance(value, datetime):
        # the format of the cell says whether midnight is a time or a day
        is_day = value.time() == time() and "h" not in pattern.lower()
        return value.date().isoformat() if is_day else value.replace(microsecond=0).isoformat(sep=" ")
    return value.isoformat()
