from __future__ import annotations

from datetime import UTC
from pathlib import Path

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.cameras.periods import CameraTable
from spotted.formats.cameras.table import read_cameras
from spotted.formats.problems import Problems

DAY_S = 86_400.0


def read(tmp_path: Path, text: str) -> tuple[CameraTable, Problems]:
    (tmp_path / "c.csv").write_text(text)
    problems = Problems()
    return read_cameras(tmp_path / "c.csv", UTC, problems), problems


def days(table: CameraTable) -> dict[str, tuple[float | None, float | None]]:
    return {
        i: (None if c.start_s is None else c.start_s / DAY_S, None if c.end_s is None else c.end_s / DAY_S)
        for i, c in table.cameras.items()
    }


def test_rows_of_one_camera_are_its_periods(tmp_path: Path) -> None:
    table, problems = read(
        tmp_path,
        "camera_id,latitude,longitude,start,end\n"
        "A,-24.5,31.5,1970-01-02,1970-01-03\n"
        "A,-24.6,31.6,1970-01-05,\n"
        "A,-24.6,31.6,1970-01-05,\n"
        "B,,,,\n",
    )
    problems.raise_any()
    assert days(table) == {"A": (1.0, 3.0), "A#2": (4.0, None), "B": (None, None)}
    assert table.positions == {"A": (-24.5, 31.5), "A#2": (-24.6, 31.6)}
    assert table.periods == {"A": ("A", "A#2")}
    assert {i: c.camera_id for i, c in table.cameras.items()} == {"A": "A", "A#2": "A#2", "B": "B"}


def test_downtimes_split_a_period(tmp_path: Path) -> None:
    table, problems = read(
        tmp_path,
        "camera_id,x_m,y_m,start,end,Problem1_from,Problem1_to,problem2_from,problem2_to\n"
        "A,0,0,1970-01-02,1970-01-20,1970-01-05,1970-01-06,1970-01-18,1970-01-20\n"
        "B,0,0,1970-01-02,1970-01-20,,,,\n",
    )
    problems.raise_any()
    assert days(table) == {"A": (1.0, 4.0), "A#2": (6.0, 17.0), "B": (1.0, 20.0)}
    assert table.stations() == {"A": "A", "A#2": "A"}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("A,0,0,,\nA,1,0,,\n", "row 3, camera_id 'A' is also in row 2, with other content"),
        (
            "A,0,0,1970-01-01,1970-01-20\nA,9,0,1970-01-05,1970-01-30\n",
            "row 3, camera_id 'A' is at two places at once (row 2)",
        ),
        (
            "A,0,0,1970-01-01,1970-01-02\nA,9,0,1970-01-03,1970-01-30\nA#2,5,5,,\n",
            "has several periods, but 'A#2' is a camera",
        ),
    ],
)
def test_rows_that_cannot_be_periods_of_one_camera_are_refused(
    tmp_path: Path, rows: str, message: str
) -> None:
    _, problems = read(tmp_path, f"camera_id,x_m,y_m,start,end\n{rows}")
    assert message in problems.shown[0]


def test_a_move_within_one_day_is_no_contradiction(tmp_path: Path) -> None:
    _, problems = read(
        tmp_path,
        "camera_id,x_m,y_m,start,end\nA,0,0,1970-01-01,1970-01-05\nA,9,0,1970-01-05,1970-01-30\n",
    )
    assert not problems.count


def test_a_downtime_without_its_end_is_a_problem(tmp_path: Path) -> None:
    _, problems = read(
        tmp_path,
        "camera_id,x_m,y_m,problem1_from,problem1_to\nA,0,0,1970-01-05,1970-01-03\nB,0,0,1970-01-05,\n",
    )
    assert "needs an end after it in problem1_to" in problems.shown[0]
    assert problems.count == 2


def test_a_table_without_positions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="neither x_m and y_m nor latitude and longitude"):
        read(tmp_path, "camera_id\nA\n")


def test_a_camera_that_was_moved_without_a_date_of_retrieval_ends_with_the_move(tmp_path: Path) -> None:
    table, problems = read(tmp_path, "camera_id,x_m,y_m,start\nA,0,0,1970-01-02\nA,9,0,1970-01-05\n")
    problems.raise_any()
    assert days(table) == {"A": (1.0, 4.0), "A#2": (4.0, None)}


def test_columns_that_are_not_read_are_named(tmp_path: Path) -> None:
    _, problems = read(tmp_path, "camera_id,x_m,y_m,problem1_from,problem1_to,habitat,Start\nA,0,0,,,wood,\n")
    assert problems.notes == ["c.csv: columns not read: habitat, Start"]
    assert problems.shown == ["c.csv has the column 'Start', which is read only as 'start'; rename it"]
