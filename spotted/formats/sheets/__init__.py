"""Tables as spreadsheets save them: text in any usual encoding and delimiter, or a workbook.

sheet     a table with its titles and rows, from any of these files
text      CSV and other delimited text
workbook  .xlsx
header    the row of titles, and titles that are missing or repeated
"""

from spotted.formats.sheets.sheet import OTHER_SUFFIXES, SHEET_SUFFIXES, Sheet, read_sheets, read_titles

__all__ = ["OTHER_SUFFIXES", "SHEET_SUFFIXES", "Sheet", "read_sheets", "read_titles"]
