"""Tables with any titles, read by a map from the fields of a survey to their columns.

names       the fields, and the titles that usually name them
guess       the map of a table, guessed from titles and values, or given
values      cells in the forms that fields need
records     rows with fields as titles, read as a survey
row_cameras  the camera of each row: station, spelling, name in a table
cameras     tables of cameras beside such rows
survey      a survey from a table with any titles
dates       dates and times in the forms of spreadsheets
translated  tables of other programs, read as the two CSV tables
"""

from spotted.formats.columns.guess import ColumnMap, guess_columns
from spotted.formats.columns.names import FIELDS
from spotted.formats.columns.records import Reading, read_records
from spotted.formats.columns.survey import read_mapped, resolve_columns

__all__ = [
    "FIELDS",
    "ColumnMap",
    "Reading",
    "guess_columns",
    "read_mapped",
    "read_records",
    "resolve_columns",
]
