from __future__ import annotations

import pytest

from spotted.formats.columns.row_cameras import known_as, one_spelling, path_of, with_camera, with_stations
from spotted.formats.problems import Problems
from spotted.formats.row import Row


def row(**cells: str) -> Row:
    return Row("a.csv", 2, {"camera_id": "", "folder": "", "image": "", **cells}, Problems())


def test_a_path_is_that_of_folder_and_name_with_slashes() -> None:
    assert path_of(row(folder="North\\A1\\", image="1.jpg")) == "North/A1/1.jpg"
    assert path_of(row(image=".\\A1\\1.jpg")).endswith("A1/1.jpg")
    assert path_of(row(folder="A1")) == ""


def test_stations_of_paths_are_only_for_rows_without_a_camera_unless_a_pattern_is_given() -> None:
    rows = [row(folder=f"North/A{n}", image="1.jpg") for n in range(3)]
    stations, (note,) = with_stations(rows, "")
    assert [r.text("camera_id") for r in stations] == ["A0", "A1", "A2"]
    assert "'*/{station}'" in note
    named = [with_camera(each, "B") for each in rows]
    assert with_stations(named, "") == (named, [])
    assert {r.text("camera_id") for r in with_stations(named, "{station}")[0]} == {"North"}


@pytest.mark.parametrize(("written", "known"), [("A1", "A1"), ("a 1", "A1"), ("a-2", "a-2"), ("C", "C")])
def test_a_camera_is_known_by_the_only_name_that_looks_like_it(written: str, known: str) -> None:
    assert known_as(written, ["A1", "A_2", "A.2"]) == known


def test_one_spelling_of_each_camera_is_kept_and_others_are_named() -> None:
    rows, (note,) = one_spelling([row(camera_id=name) for name in ("A1", "a 1", "A-1")])
    assert [each.text("camera_id") for each in rows] == ["A1", "A1", "A-1"]
    assert "'a 1' as 'A1'" in note
    assert one_spelling(rows)[1] == []
