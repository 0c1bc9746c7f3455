from __future__ import annotations

from pathlib import Path

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.row import (
    PERIOD_TOLERANCE_S,
    Problems,
    Row,
    absolute_path,
    check_camera_period,
    check_captured,
    distinct_rows,
    image_path,
)
from spotted.survey import Camera

BOX = ("x", "y", "w", "h")


def row(**cells: str) -> Row:
    return Row("t.csv", 7, cells, Problems())


def test_what_r_and_pandas_write_for_missing_is_missing() -> None:
    assert [row(a=text).text("a") for text in ("", "NA", "nan", " NaN ", "-")] == ["", "", "", "", "-"]
    assert row().text("a") == ""


def test_ten_problems_are_shown_and_all_are_counted() -> None:
    one = row(a="x")
    for _ in range(12):
        one.number_between("a", 0.0, 1.0)
    with pytest.raises(InvalidInputError) as caught:
        one.problems.raise_any()
    lines = str(caught.value).splitlines()
    assert lines[0] == "12 problems, the first 10:"
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
    assert one.problems.count == 3
    assert "row 7, a '2020-03-24T11:21:46' has no time zone" in one.problems.shown[0]


def test_rows_come_once_by_id_and_clashes_are_problems() -> None:
    problems = Problems()
    cells = [{"id": "a", "x": "1"}, {"id": "a", "x": "1"}, {"id": "a", "x": "2"}, {"id": ""}, {"id": ""}]
    rows = [Row("t.csv", number, row, problems) for number, row in enumerate(cells, start=2)]
    assert [row.number for row in distinct_rows(rows, "id")] == [2]
    assert problems.count == 3
    assert "row 4, id 'a' is also in row 2" in problems.shown[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a/b.jpg", "a/b.jpg"),
        ("./a//b.jpg", "a/b.jpg"),
        ("a\\b.jpg", "a/b.jpg"),
        ("a/../b.jpg", "b.jpg"),
        ("..b/c.jpg", "..b/c.jpg"),
    ],
)
def test_image_paths_stay_inside_their_root(tmp_path: Path, text: str, expected: str) -> None:
    assert image_path(Row("t", 2, {"p": text}, Problems()), "p", tmp_path) == tmp_path / expected


@pytest.mark.parametrize(
    "text", ["../x.jpg", "a/../../x.jpg", "..\\x.jpg", "/x.jpg", "s3://bucket/x.jpg", "\\\\h\\x"]
)
def test_image_paths_that_leave_the_root_are_problems(tmp_path: Path, text: str) -> None:
    row = Row("t", 2, {"p": text}, Problems())
    assert image_path(row, "p", tmp_path) is None
    assert row.problems.count == 1


def test_links_inside_the_root_are_followed_and_its_name_kept(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "images").symlink_to(tmp_path / "disk")
    path = image_path(Row("t", 2, {"p": "images/x.jpg"}, Problems()), "p", absolute_path(tmp_path / "root"))
    assert path == tmp_path / "root" / "images" / "x.jpg"


@pytest.mark.parametrize(("start_s", "end_s", "count"), [(10.0, 5.0, 1), (5.0, 5.0, 0), (None, 5.0, 0)])
def test_a_period_that_ends_before_it_starts_is_a_problem(
    start_s: float | None, end_s: float | None, count: int
) -> None:
    one = row(start="10", end="5")
    check_camera_period(one, "start", "end", Camera("A", start_s=start_s, end_s=end_s))
    assert one.problems.count == count


@pytest.mark.parametrize("suspect", [False, True])
@pytest.mark.parametrize(
    ("time_s", "count"),
    [
        (None, 0),
        (100.0 - PERIOD_TOLERANCE_S, 0),
        (99.0 - PERIOD_TOLERANCE_S, 1),
        (200.0 + PERIOD_TOLERANCE_S, 0),
        (201.0 + PERIOD_TOLERANCE_S, 1),
    ],
)
def test_an_instant_outside_the_period_is_a_problem_of_trusted_clocks(
    time_s: float | None, count: int, *, suspect: bool
) -> None:
    one = row(t="x")
    check_captured(one, "t", time_s, Camera("A", start_s=100.0, end_s=200.0, clock_suspect=suspect))
    assert one.problems.count == (0 if suspect else count)
