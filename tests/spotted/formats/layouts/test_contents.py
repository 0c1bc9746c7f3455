from __future__ import annotations

from pathlib import Path

from spotted.formats.layouts.contents import columns_of, damages, describe, files_below, only_folder
from tests.spotted.published_tree import write_tree


def test_files_are_found_in_order_without_hidden_ones(tmp_path: Path) -> None:
    write_tree(
        tmp_path, ["b/2.JPG", "b/1.jpg", "a.jpg", ".hidden/3.jpg", "@eaDir/4.jpg", "b/._1.jpg", "c.txt"]
    )
    found = [path.relative_to(tmp_path).as_posix() for path in files_below(tmp_path, frozenset({".jpg"}))]
    assert found == ["a.jpg", "b/1.jpg", "b/2.JPG"]


def test_the_columns_of_a_file_that_is_no_text_are_none(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00")
    assert columns_of(tmp_path / "a.csv") == ()


def test_the_only_folder_of_an_archive_is_found(tmp_path: Path) -> None:
    write_tree(tmp_path, ["ridge/A/1.jpg", ".hidden/x"])
    assert only_folder(tmp_path) == [tmp_path / "ridge"]
    (tmp_path / "notes.txt").touch()
    assert only_folder(tmp_path) == []


def test_a_directory_is_described_by_its_first_files_and_a_table_by_its_columns(tmp_path: Path) -> None:
    write_tree(tmp_path, [f"{number}.txt" for number in range(9)])
    (tmp_path / "0.csv").write_text("colour,size\n")
    assert describe(tmp_path).endswith(" and 2 more.")
    assert describe(tmp_path / "0.csv") == "Its columns are colour, size."


def test_the_titles_of_a_table_in_utf_16_are_read(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_bytes("path;identity\r\n".encode("utf-16"))
    assert columns_of(table) == ("path", "identity")
    table.write_bytes(b"\xff\xfea")
    assert columns_of(table) == ()


def test_only_workbooks_that_cannot_be_read_are_named_as_damaged(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "b.xlsx").write_bytes(b"PK\x03\x04 cut short")
    (line,) = damages(sorted(tmp_path.iterdir()))
    assert line.startswith(f"{tmp_path / 'b.xlsx'} cannot be read as a workbook: ")
