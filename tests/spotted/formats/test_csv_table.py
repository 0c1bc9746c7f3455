from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.csv_table import read_table
from spotted.formats.row import Problems, Row

BOX = ("x", "y", "w", "h")


def row(**cells: str) -> Row:
    return Row("t.csv", 7, cells, Problems())


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


def test_what_r_and_pandas_write_for_missing_is_missing() -> None:
    assert [row(a=text).text("a") for text in ("", "NA", "nan", " NaN ", "-")] == ["", "", "", "", "-"]
    assert row().text("a") == ""


def test_a_missing_file_or_column_and_a_double_column_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"there is no file .*absent\.csv"):
        list(read_table(tmp_path / "absent.csv", (), Problems()))
    with pytest.raises(InvalidInputError, match=r"t\.csv lacks the column b, c; it has a"):
        rows_of(tmp_path / "t.csv", "a\n1\n", "a", "b", "c")
    with pytest.raises(InvalidInputError, match=r"the column a twice"):
        rows_of(tmp_path / "t.csv", "a,a\n1,2\n", "a")
    with pytest.raises(InvalidInputError, match="it has none"):
        rows_of(tmp_path / "t.csv", "", "a")


def test_other_encodings_broken_archives_and_open_quotes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="save it as CSV UTF-8"):
        rows_of(tmp_path / "t.csv", b"a\n\xe9\n", "a")
    with pytest.raises(InvalidInputError, match="cannot be read"):
        rows_of(tmp_path / "t.csv.gz", b"no zip", "a")
    with pytest.raises(InvalidInputError, match=r"t\.csv line 2: unexpected end of data"):
        rows_of(tmp_path / "t.csv", 'a\n"b', "a")


def test_a_row_of_another_length_is_a_problem_and_the_others_are_read(tmp_path: Path) -> None:
    rows, problems = rows_of(tmp_path / "t.csv", "a,b\n1,2\n3\n4,5,6\n7,8\n", "a")
    assert [r.number for r in rows] == [2, 5]
    assert problems.count == 2
    with pytest.raises(InvalidInputError, match=r"row 3 has 1 cells, the header 2"):
        problems.raise_any()


def test_ten_problems_are_shown_and_all_are_counted() -> None:
    one = row(a="x")
    for _ in range(12):
        one.number_between("a", 0.0, 1.0)
    with pytest.raises(InvalidInputError) as caught:
        one.problems.raise_any()
    lines = str(caught.value).splitlines()
    assert lines[0] == "the first 10 of 12 problems:"
    assert (
        lines[1:] == ["  t.csv row 7, a 'x' is not a number; write it with digits and a decimal point"] * 10
    )
    assert caught.value.field == "t.csv:7:a"


def test_one_problem_is_the_message_and_none_is_silent() -> None:
    one = row(a="2")
    one.problems.raise_any()
    assert one.number_between("a", 0.0, 1.0) is None
    with pytest.raises(InvalidInputError, match=r"^t\.csv row 7, a '2' is outside 0 to 1; correct it$"):
        one.problems.raise_any()


@pytest.mark.parametrize("text", ["1,5", "inf", "1_0", "1e999", "0x1", "one"])
def test_what_is_no_finite_number_is_a_problem(text: str) -> None:
    one = row(a=text)
    assert one.number_between("a", -9.0, 9.0) is None
    assert one.problems.count == 1


def test_flags_are_read_in_the_spellings_of_tables() -> None:
    flags = [row(a=text).flag("a") for text in ("true", "TRUE", "1", "false", "F", "0", "", "NA")]
    assert flags == [True, True, True, False, False, False, False, False]
    one = row(a="perhaps")
    assert not one.flag("a")
    assert one.problems.count == 1


@pytest.mark.parametrize("text", ["", "a\x00b", "x" * 257])
def test_ids_are_present_printable_and_short(text: str) -> None:
    one = row(a=text)
    one.identifier("a")
    assert one.problems.count == 1
    assert len(one.problems.shown[0]) < 200


def test_coordinates_come_in_pairs() -> None:
    assert row(a="1", b="-2").pair("a", "b", (90.0, 180.0)) == (1.0, -2.0)
    assert row().pair("a", "b", (90.0, 180.0)) is None
    for cells in ({"a": "1"}, {"b": "1"}, {"a": "91", "b": "0"}, {"a": "0", "b": "-181"}):
        one = row(**cells)
        assert one.pair("a", "b", (90.0, 180.0)) is None
        assert one.problems.count == 1


def test_a_box_is_four_fractions_cut_at_the_edge() -> None:
    assert row(x="0.1", y="0.2", w="0.3", h="0.4").box(BOX) == (0.1, 0.2, 0.3, 0.4)
    assert row(x="0.25", y="0", w="0.7505", h="1").box(BOX) == (0.25, 0.0, 0.75, 1.0)
    assert row().box(BOX) is None


@pytest.mark.parametrize(
    "box",
    [
        {"x": "0.5", "y": "0", "w": "0.6", "h": "1"},
        {"x": "0", "y": "0.9", "w": "1", "h": "0.2"},
        {"x": "-0.1", "y": "0", "w": "1", "h": "1"},
        {"x": "0", "y": "0", "w": "0", "h": "1"},
        {"x": "1", "y": "0", "w": "0.001", "h": "1"},
        {"x": "0", "y": "0", "w": "1"},
        {"x": "10", "y": "0", "w": "1", "h": "1"},
    ],
)
def test_a_box_outside_the_image_without_area_or_incomplete_is_one_problem(box: dict[str, str]) -> None:
    one = row(**box)
    one.box(BOX)
    assert one.problems.count == 1


def test_instants_and_days_report_their_cell() -> None:
    one = row(a="2020-03-24T11:21:46", b="2020-03-24")
    assert one.instant("a", None) is None
    assert one.instant("b", None) is None
    assert one.day("b", None, end=True) is None
    assert one.instant("c", None) is one.day("c", None, end=False) is None
    assert one.problems.count == 3
    assert "row 7, a '2020-03-24T11:21:46' has no time zone" in one.problems.shown[0]
