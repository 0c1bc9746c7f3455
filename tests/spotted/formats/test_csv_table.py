from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.csv_table import check_columns, read_table
from spotted.formats.problems import Problems
from spotted.formats.row import Row


def rows_of(path: Path, text: str | bytes, *required: str) -> tuple[list[Row], Problems]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    problems = Problems()
    return list(read_table(path, required, problems)), problems


def test_rows_count_as_in_a_spreadsheet_past_blank_lines_and_breaks_in_cells(tmp_path: Path) -> None:
    rows, problems = rows_of(tmp_path / "t.csv", '\ufeffa,b\r\n1,"x\ny"\r\n\r\n2,z\r\n\r\n', "a")
    assert [(r.number, r.text("a"), r.text("b")) for r in rows] == [(2, "1", "x\ny"), (4, "2", "z")]
    problems.raise_any()


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_the_delimiter_is_found_in_plain_and_zipped_files(tmp_path: Path, mark: str) -> None:
    text = mark.join("ab") + "\n" + mark.join("12") + "\n"
    for name, content in (("t.csv", text.encode()), ("t.csv.gz", gzip.compress(text.encode()))):
        rows, _ = rows_of(tmp_path / name, content, "a", "b")
        assert rows[0].cells == {"a": "1", "b": "2"}


def test_a_missing_file_or_column_and_a_double_column_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"file not found: .*absent\.csv"):
        list(read_table(tmp_path / "absent.csv", (), Problems()))
    with pytest.raises(InvalidInputError, match=r"t\.csv lacks the column b, c; its columns are a"):
        rows_of(tmp_path / "t.csv", "a\n1\n", "a", "b", "c")
    with pytest.raises(InvalidInputError, match=r"the column a twice"):
        rows_of(tmp_path / "t.csv", "a,a\n1,2\n", "a")
    with pytest.raises(InvalidInputError, match=r"its columns are \(none\)"):
        rows_of(tmp_path / "t.csv", "", "a")


def test_other_encodings_broken_archives_and_open_quotes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="save it as CSV UTF-8"):
        rows_of(tmp_path / "t.csv", b"a\n\xe9\n", "a")
    with pytest.raises(InvalidInputError, match="cannot be read"):
        rows_of(tmp_path / "t.csv.gz", b"no zip", "a")
    with pytest.raises(InvalidInputError, match=r"t\.csv line 2: unexpected end of data"):
        rows_of(tmp_path / "t.csv", 'a\n"b', "a")


def test_a_row_of_another_length_is_a_problem_and_the_others_are_read(tmp_path: Path) -> None:
    rows, problems = rows_of(tmp_path / "t.csv", "a,b\n1,2\n3\n4,5,6\n7,8\n", "a", "b")
    assert [r.number for r in rows] == [2, 5]
    assert problems.count == 2
    with pytest.raises(InvalidInputError, match=r"row 3 has 1 cells, but the header has 2"):
        problems.raise_any()


def test_rows_of_empty_cells_and_cells_dropped_at_the_end_are_what_spreadsheets_write(tmp_path: Path) -> None:
    text = "a;b;c;\n1;2;3;;;\n;;\n; ;\u00a0;\n4\n5;6\n\x1a"
    rows, problems = rows_of(tmp_path / "t.csv", text, "a")
    assert [(r.number, r.text("a"), r.text("b"), r.text("c")) for r in rows] == [
        (2, "1", "2", "3"),
        (5, "4", "", ""),
        (6, "5", "6", ""),
    ]
    problems.raise_any()


def test_a_declared_delimiter_is_obeyed_and_its_line_is_no_row(tmp_path: Path) -> None:
    rows, _ = rows_of(tmp_path / "t.csv", "\ufeffsep=;\r\na;b, c, d, e\r\n1;2,5\r\n", "a")
    assert [(r.number, r.text("a"), r.number_between("b, c, d, e", 0.0, 9.0)) for r in rows] == [
        (2, "1", 2.5)
    ]


def test_a_comma_in_a_title_is_no_delimiter(tmp_path: Path) -> None:
    rows, _ = rows_of(tmp_path / "t.csv", "a;b;habitat, notes, dates, names\n1;2;3\n", "a", "b")
    assert rows[0].text("habitat, notes, dates, names") == "3"


def test_columns_that_are_not_read_are_named_and_a_known_one_in_capitals_is_wrong(tmp_path: Path) -> None:
    rows, problems = rows_of(tmp_path / "t.csv", "a;Camera ID;note;;B\n1;2;3;;4\n", "a")
    check_columns(rows[0], ("a", "camera_id", "b", "B"))
    assert problems.notes == ["t.csv: columns not read: Camera ID, note"]
    assert problems.shown == [
        "t.csv has the column 'Camera ID', which is read only as 'camera_id'; rename it"
    ]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("declared", ["", "sep=;\r\n"])
def test_text_of_two_bytes_a_letter_is_read_like_any_other(
    tmp_path: Path, name: str, encoding: str, declared: str
) -> None:
    content = f"{declared}id;name\r\n1;Zo\u00eb\r\n".encode(encoding)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    (row,) = read_table(tmp_path / name, ("id", "name"), Problems())
    assert (row.number, row.cells) == (2, {"id": "1", "name": "Zo\u00eb"})
