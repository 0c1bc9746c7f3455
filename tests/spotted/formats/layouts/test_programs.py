from __future__ import annotations

from pathlib import Path

from spotted.formats.layouts.programs import TIMELAPSE, find_program, tables_in


def test_a_program_is_found_by_a_table_of_a_directory_whatever_its_encoding(tmp_path: Path) -> None:
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")
    (tmp_path / "data.csv").write_text("File;RelativePath;DateTime\n", encoding="utf-16")
    found = find_program(tmp_path)
    assert found is not None
    assert found[:2] == (TIMELAPSE, tmp_path / "data.csv")
    assert find_program(tmp_path / "notes.csv") is None


def test_open_workbooks_of_spreadsheet_programs_and_notes_are_no_tables(tmp_path: Path) -> None:
    for name in ("a.csv", "~$b.xlsx", ".c.csv", "notes.txt", "b.xlsx"):
        (tmp_path / name).touch()
    assert [path.name for path in tables_in(tmp_path)] == ["a.csv", "b.xlsx"]
