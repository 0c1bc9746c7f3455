"""Tables as spreadsheets save them: text in any usual encoding and delimiter, or a workbook.

sheet           a table with its titles and rows, from any of these files
text            CSV and other delimited text
workbook        .xlsx
other_workbook  .xls, .xlsb and .ods
header          the row of titles, and titles that are missing or repeated
"""

from spotted.formats.sheets.sheet import (
    EXTRA_SUFFIXES,
    OTHER_SUFFIXES,
    SHEET_SUFFIXES,
    WORKBOOK_SUFFIXES,
    Sheet,
    read_sheets,
    read_titles,
)
from spotted.formats.sheets.text import has_reader

__all__ = [
    "EXTRA_SUFFIXES",
    "OTHER_SUFFIXES",
    "SHEET_SUFFIXES",
    "WORKBOOK_SUFFIXES",
    "Sheet",
    "has_reader",
    "read_sheets",
    "read_titles",
]
