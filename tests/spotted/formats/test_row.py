from __future__ import annotations

import pytest

from spotted.formats.problems import Problems
from spotted.formats.row import Row, check_camera_period, distinct_rows
from spotted.survey import Camera

BOX = ("x", "y", "w", "h")


def row(**cells: str) -> Row:
    return Row("t.csv", 7, cells, Problems())


def test_what_r_and_pandas_write_for_missing_is_missing() -> None:
    assert [row(a=text).text("a") for text in ("", "NA", "nan", " NaN ", "-")] == ["", "", "", "", "-"]
    assert row().text("a") == ""


@pytest.mark.parametrize("text", ["1,5", "inf", "1_0", "1e999", "0x1", "one"])
def test_a_number_that_is_not_finite_is_a_problem(text: str) -> None:
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
    assert one.problems.count == 2
    (note,) = one.problems.notes
    assert note.startswith("t.csv row 7, b '2020-03-24' is not a date and time; write it as 2020-03-24T11:21")
    assert note.endswith("; taken as unknown")
    assert "row 7, a '2020-03-24T11:21:46' has no time zone" in one.problems.shown[0]


def test_rows_come_once_by_id_and_clashes_are_problems() -> None:
    problems = Problems()
    cells = [{"id": "a", "x": "1"}, {"id": "a", "x": "1"}, {"id": "a", "x": "2"}, {"id": ""}, {"id": ""}]
    rows = [Row("t.csv", number, row, problems) for number, row in enumerate(cells, start=2)]
    assert [row.number for row in distinct_rows(rows, "id")] == [2]
    assert problems.count == 3
    assert "row 4, id 'a' is also in row 2" in problems.shown[0]


@pytest.mark.parametrize(("start_s", "end_s", "count"), [(10.0, 5.0, 1), (5.0, 5.0, 0), (None, 5.0, 0)])
def test_a_period_that_ends_before_it_starts_is_a_problem(
    start_s: float | None, end_s: float | None, count: int
) -> None:
    one = row(start="10", end="5")
    check_camera_period(one, "start", "end", Camera("A", start_s=start_s, end_s=end_s))
    assert one.problems.count == count


def test_a_decimal_comma_is_read_in_tables_of_other_delimiters_only() -> None:
    problems = Problems()
    assert (
        Row("t.csv", 2, {"a": "-24,5"}, problems, decimal_comma=True).number_between("a", -90.0, 90.0)
        == -24.5
    )
    assert Row("t.csv", 2, {"a": "1,2,3"}, problems, decimal_comma=True).number_between("a", 0.0, 9.0) is None
    assert problems.count == 1


def test_an_id_is_the_text_that_people_see() -> None:
    assert row(a=" Zoe\u0308\u202f1\u200b").identifier("a") == "Zo\u00eb 1"


def test_a_name_that_means_unknown_is_no_individual_and_is_remarked() -> None:
    one = row(a="unknown", b="Mvula", c="")
    assert [one.individual(column) for column in "abc"] == ["", "Mvula", ""]
    assert one.problems.notes == ["t.csv row 7, a 'unknown' is read as an unknown animal"]


def test_times_as_numbers_are_read_without_a_zone_and_told_once() -> None:
    problems = Problems()
    rows = [Row("a.csv", n, {"t": text}, problems) for n, text in ((2, "1585041706"), (3, "1585041706500"))]
    assert [row.instant("t", None) for row in rows] == [1585041706.0, 1585041706.5]
    (note,) = problems.notes
    assert note.startswith("a.csv, t: numbers such as 1585041706 are read as seconds or milliseconds since")
