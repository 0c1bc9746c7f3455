from __future__ import annotations

import re
from pathlib import Path

import pytest
from openpyxl import Workbook

from spotted.errors import InvalidInputError
from spotted.formats.problems import Problems
from spotted.formats.sheets.sheet import read_sheets, read_titles


def test_a_table_is_read_with_the_rows_of_the_spreadsheet(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Survey 2024,,\n\nId,Photo,Id\n1,a.jpg,\n\n2,b.jpg,x\n")
    (sheet,) = read_sheets(tmp_path / "a.csv")
    assert sheet.titles == ("Id", "Photo", "Id (2)")
    assert sheet.rows == {
        4: {"Id": "1", "Photo": "a.jpg", "Id (2)": ""},
        6: {"Id": "2", "Photo": "b.jpg", "Id (2)": "x"},
    }
    assert "titles are in row 3" in sheet.notes[0]
    assert "'Id (2)'" in sheet.notes[1]
    assert read_titles(tmp_path / "a.csv") == [("Id", "Photo", "Id (2)")]


def test_titles_that_are_repeated_below_are_no_row(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Id,Photo\n1,a.jpg\nId, Photo\n2,b.jpg\n")
    (sheet,) = read_sheets(tmp_path / "a.csv")
    assert list(sheet.rows) == [2, 4]
    assert "row 3 repeats the titles and is left out" in sheet.notes[0]


def test_a_row_with_more_cells_than_titles_is_refused_since_its_cells_may_be_shifted(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Id,Note,Photo\n1,dark, wet,a.jpg\n2,,b.jpg,\n")
    problems = Problems()
    assert len(read_sheets(tmp_path / "a.csv")[0].typed(problems)) == 2
    with pytest.raises(InvalidInputError, match=r"a\.csv row 2 has more cells than the titles"):
        problems.raise_any()


def test_each_sheet_with_rows_is_a_table_and_names_itself(tmp_path: Path) -> None:
    made = Workbook()
    made.create_sheet("Cameras").append(["Station", "Lat"])
    made["Cameras"].append(["A1", -2.5])
    made.create_sheet("Records").append(["Station"])
    made["Records"].append(["A1"])
    made.create_sheet("Titles").append(["Station", "Lat"])
    made.save(tmp_path / "a.xlsx")
    assert [sheet.name for sheet in read_sheets(tmp_path / "a.xlsx")] == [
        "a.xlsx sheet 'Cameras'",
        "a.xlsx sheet 'Records'",
    ]


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("a.numbers", "save it as .xlsx"), ("a.xls", ".xlsx"), ("a.ods", ".xlsx")],
)
def test_workbooks_that_nothing_reads_name_the_remedy(tmp_path: Path, name: str, remedy: str) -> None:
    (tmp_path / name).write_bytes(b"\xd0\xcf")
    with pytest.raises(InvalidInputError, match=re.escape(remedy)):
        read_sheets(tmp_path / name)


def test_a_table_without_rows_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Id,Photo\n")
    with pytest.raises(InvalidInputError, match="has no row below its titles"):
        read_sheets(tmp_path / "a.csv")
    assert read_titles(tmp_path / "a.csv") == [("Id", "Photo")]
    assert read_titles(tmp_path / "none.csv") == []
