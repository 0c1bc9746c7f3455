from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from openpyxl import Workbook

from spotted.errors import InvalidInputError
from spotted.formats.sheets.workbook import read_workbook

SHEET = "Records"


def workbook() -> Workbook:
    made = Workbook()
    made.worksheets[0].title = SHEET
    return made


def read(made: Workbook, path: Path) -> dict[int, list[str]]:
    made.save(path)
    return read_workbook(path)[SHEET].rows


def test_cells_are_texts_as_a_person_sees_them(tmp_path: Path) -> None:
    made = workbook()
    values = [7, 7.0, 7.25, True, "007", datetime(2024, 5, 1, 6, 7), datetime(2024, 5, 1), date(2024, 5, 1)]  # noqa: DTZ001 - as in a cell
    made.worksheets[0].append([*values, time(6, 7), timedelta(hours=6, minutes=7), None])
    made.worksheets[0].cell(1, 7).number_format = "yyyy-mm-dd"
    expected = ["7", "7", "7.25", "true", "007", "2024-05-01 06:07:00", "2024-05-01", "2024-05-01"]
    assert read(made, tmp_path / "a.xlsx") == {1: [*expected, "06:07:00", "06:07:00"]}


def test_midnight_is_a_time_if_its_format_has_hours_and_zeros_stay(tmp_path: Path) -> None:
    made = workbook()
    made.worksheets[0].append([datetime(2024, 5, 1), 7])  # noqa: DTZ001 - as in a cell
    made.worksheets[0].cell(1, 1).number_format = "yyyy-mm-dd hh:mm"
    made.worksheets[0].cell(1, 2).number_format = "000"
    assert read(made, tmp_path / "a.xlsx") == {1: ["2024-05-01 00:00:00", "007"]}


def test_a_merged_cell_counts_in_each_of_its_rows(tmp_path: Path) -> None:
    made = workbook()
    for row in (["Station", "Photo"], ["A1", "1.jpg"], [None, "2.jpg"], ["A2", "3.jpg"]):
        made.worksheets[0].append(row)
    made.worksheets[0].merge_cells("A2:A3")
    assert read(made, tmp_path / "a.xlsx")[3] == ["A1", "2.jpg"]
    assert "merged cells" in read_workbook(tmp_path / "a.xlsx")[SHEET].notes[0]


def test_hidden_and_empty_sheets_are_not_read(tmp_path: Path) -> None:
    made = workbook()
    made.worksheets[0].append(["id"])
    made.create_sheet("empty")
    made.create_sheet("old").append(["id"])
    made["old"].sheet_state = "hidden"
    made.save(tmp_path / "a.xlsx")
    assert list(read_workbook(tmp_path / "a.xlsx")) == [SHEET]


def test_errors_of_cells_are_empty_and_counted(tmp_path: Path) -> None:
    made = workbook()
    made.worksheets[0].append(["id", "#N/A"])
    assert read(made, tmp_path / "a.xlsx") == {1: ["id", ""]}
    assert "errors, such as #N/A, in 1 cell" in read_workbook(tmp_path / "a.xlsx")[SHEET].notes[0]


def test_a_formula_that_no_program_has_computed_is_named_with_the_remedy(tmp_path: Path) -> None:
    made = workbook()
    made.worksheets[0].append(["id", "=1+1"])
    with pytest.raises(
        InvalidInputError, match=r"sheet 'Records', cell B1 has a formula without a value; open"
    ):
        read(made, tmp_path / "a.xlsx")


@pytest.mark.parametrize("content", [b"", b"PK no zip", b"<html>"])
def test_a_damaged_workbook_is_named_with_the_remedy(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.xlsx").write_bytes(content)
    with pytest.raises(InvalidInputError, match=r"save it again as \.xlsx, or as CSV UTF-8"):
        read_workbook(tmp_path / "a.xlsx")
    with pytest.raises(InvalidInputError, match="file not found"):
        read_workbook(tmp_path / "b.xlsx")
