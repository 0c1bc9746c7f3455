"""A table with its titles and rows, from text or a workbook."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from spotted.errors import InvalidInputError
from spotted.formats.problems import Problems
from spotted.formats.row import Row
from spotted.formats.sheets.header import distinct_titles, find_header
from spotted.formats.sheets.text import Grid, read_text

TEXT_SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".gz"})
WORKBOOK_SUFFIXES = frozenset({".xlsx", ".xlsm"})
# read by an extra
EXTRA_SUFFIXES = frozenset({".xls", ".xlsb", ".ods"})
SHEET_SUFFIXES = TEXT_SUFFIXES | WORKBOOK_SUFFIXES | EXTRA_SUFFIXES
# another program's workbooks, which no reader here knows
OTHER_SUFFIXES = frozenset({".numbers"})


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of texts.

    >>> sheet = Sheet("a.csv", ("Station", "Photo"), {2: {"Station": "A1", "Photo": "1.jpg"}})
    >>> [row.text("Photo") for row in sheet.typed(Problems())]
    ['1.jpg']
    """

    name: str
    """Name of the file, with the sheet of a workbook if it has several."""
    titles: tuple[str, ...]
    """Titles in the order of the columns, without empty ones."""
    rows: dict[int, dict[str, str]]
    """Cells by title, by the number of the row as in a spreadsheet."""
    notes: tuple[str, ...] = ()
    """How the table was read, if that had to be guessed."""
    decimal_comma: bool = False
    """Whether a comma may separate decimals."""
    surplus: tuple[int, ...] = ()
    """Numbers of rows with texts beyond the last title."""

    def typed(self, problems: Problems) -> list[Row]:
        """The rows; their wrong values, and rows with too many cells, are recorded in `problems`."""
        for number in self.surplus:
            problems.add(
                f"{self.name} row {number} has more cells than the titles; put texts with commas or line "
                "breaks in quotation marks",
                f"{self.name}:{number}",
                cause=(self.name, "surplus"),
            )
        return [
            Row(self.name, number, cells, problems, decimal_comma=self.decimal_comma)
            for number, cells in self.rows.items()
        ]


def read_sheets(path: Path) -> list[Sheet]:
    """The tables of a file: one of text, or those of a workbook that have rows below their titles.

    Raises InvalidInputError if the file cannot be read or has no row.
    """
    suffix = path.suffix.lower()
    if suffix in OTHER_SUFFIXES:
        raise InvalidInputError(f"{path} is a {suffix} file; save it as .xlsx or CSV UTF-8", field=path.name)
    if suffix in WORKBOOK_SUFFIXES | EXTRA_SUFFIXES:
        grids = _workbook(path)
        found = [
            (f"{path.name} sheet {name!r}" if len(grids) > 1 else path.name, g) for name, g in grids.items()
        ]
    else:
        found = [(path.name.removesuffix(".gz"), read_text(path))]
    sheets = [sheet for name, grid in found if (sheet := _sheet(name, grid)).rows]
    if not sheets:
        raise InvalidInputError(f"{path} has no row below its titles", field=path.name)
    return sheets


def _workbook(path: Path) -> dict[str, Grid]:
    # the readers load slowly
    if path.suffix.lower() in EXTRA_SUFFIXES:
        from spotted.formats.sheets.other_workbook import read_other_workbook  # noqa: PLC0415

        return read_other_workbook(path)
    from spotted.formats.sheets.workbook import read_workbook  # noqa: PLC0415

    return read_workbook(path)


def read_titles(path: Path) -> list[tuple[str, ...]]:
    """The titles of each table of a file, from the start of a text; [] if it cannot be read."""
    try:
        if path.suffix.lower() in WORKBOOK_SUFFIXES | EXTRA_SUFFIXES:
            return [sheet.titles for sheet in read_sheets(path)]
        return [_sheet(path.name, read_text(path, start=True)).titles]
    except InvalidInputError:
        return []


def _sheet(name: str, grid: Grid) -> Sheet:
    header = find_header(grid.rows)
    titles, repeated = distinct_titles(grid.rows.get(header, []))
    written = [cell.strip() for cell in grid.rows.get(header, [])]
    below = {number: cells for number, cells in grid.rows.items() if number > header}
    again = [number for number, cells in below.items() if [cell.strip() for cell in cells] == written]
    below = {number: cells for number, cells in below.items() if number not in again}
    rows = {number: _row(titles, cells) for number, cells in below.items()}
    surplus = tuple(number for number, cells in below.items() if any(map(str.strip, cells[len(titles) :])))
    notes = list(grid.notes)
    if header > 1:
        notes.append(f"{name}: the titles are in row {header}")
    if again:
        notes.append(f"{name} row {again[0]} repeats the titles and is left out")
    if repeated:
        notes.append(
            f"{name}: several columns have the title {', '.join(map(repr, repeated))}; the second one is "
            f"called {f'{repeated[0]} (2)'!r}"
        )
    return Sheet(name, tuple(filter(None, titles)), rows, tuple(notes), grid.decimal_comma, surplus)


def _row(titles: list[str], cells: list[str]) -> dict[str, str]:
    # spreadsheets drop empty cells at the end of a row
    paired = zip_longest(titles, cells[: len(titles)], fillvalue="")
    return {title: cell for title, cell in paired if title}
