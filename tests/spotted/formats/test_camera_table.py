from __future__ import annotations

from datetime import UTC
from pathlib import Path

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.camera_table import ASSUMED_UTC, NO_LOCATIONS, clock_zone, survey_of_photographs
from spotted.formats.imported_survey import ImportedSurvey
from spotted.formats.picture import Picture
from spotted.formats.timestamps import DAY_S, utc_seconds
from spotted.survey import Camera, Detection

TIME_S = utc_seconds("2019-08-02T12:00:00Z")


def picture(detection_id: str, camera_id: str, time_s: float | None = TIME_S) -> Picture:
    return Picture(Detection(detection_id, camera_id, time_s), Path(f"/nowhere/{detection_id}.jpg"))


def read(pictures: list[Picture], table: Path | None) -> ImportedSurvey:
    return survey_of_photographs("s", "title", pictures, table, UTC, ["first"], known_as=str.upper)


def test_a_zone_is_assumed_only_if_none_is_given() -> None:
    assert clock_zone(None) == (UTC, [ASSUMED_UTC])
    assert clock_zone("Africa/Harare")[1] == []
    with pytest.raises(InvalidInputError, match="unknown time zone"):
        clock_zone("Africa/Nowhere")


def test_degrees_are_projected_and_metres_kept_by_the_ids_of_the_photographs(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("camera_id,x_m,y_m\na,30,40\nB,0,0\nidle,6,8\n")
    metres = read([picture("1", "A"), picture("2", "B")], table)
    assert metres.survey.cameras == {
        "A": Camera("A", 30.0, 40.0),
        "B": Camera("B", 0.0, 0.0),
        "IDLE": Camera("IDLE", 6.0, 8.0),
    }
    table.write_text("camera_id,latitude,longitude\na,-18.50,26.9\nB,-18.51,26.9\n")
    degrees = read([picture("1", "A"), picture("2", "B")], table)
    # a hundredth of a degree of latitude is a hundredth of some 110.6 km at 18.5 degrees
    assert degrees.survey.extent().distance_m == pytest.approx(1106.0, abs=2.0)
    assert NO_LOCATIONS not in metres.notes + degrees.notes
    assert metres.notes[0] == "first"


def test_a_table_that_places_no_camera_of_a_photograph_is_reported_as_missing(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("camera_id,x_m,y_m\nB,0,0\n")
    notes = read([picture("1", "A"), picture("2", "A")], table).notes
    assert "1 camera of 2 photographs not in t.csv, such as 'A'; their locations are unknown" in notes
    assert NO_LOCATIONS in notes


@pytest.mark.parametrize(
    ("cells", "outside"),
    [
        ("2019-08-01,2019-08-03,", 0),
        ("2019-08-02T18:00,,", 1),
        (",2019-08-02T06:10,", 1),
        (",,", 0),
        ("2019-08-03,,true", 0),
    ],
)
def test_photographs_outside_the_period_of_a_trusted_camera_extend_it_with_a_note(
    tmp_path: Path, cells: str, outside: int
) -> None:
    table = tmp_path / "t.csv"
    table.write_text(f"camera_id,x_m,y_m,start,end,clock_suspect\nA,0,0,{cells}\n")
    imported = read([picture("1", "A")], table)
    assert sum("the period is extended" in note for note in imported.notes) == outside
    camera = imported.survey.cameras["A"]
    assert camera.start_s is None or camera.start_s <= TIME_S
    assert camera.end_s is None or camera.end_s >= TIME_S


def test_without_any_time_the_survey_lasts_a_day_that_means_nothing(tmp_path: Path) -> None:
    imported = read([picture("1", "A", None), picture("2", "", None)], None)
    assert imported.survey.end_s - imported.survey.start_s == DAY_S
    assert imported.survey.cameras.keys() == {"A"}
    assert any("the survey has arbitrary dates" in note for note in imported.notes)
    table = tmp_path / "t.csv"
    table.write_text("camera_id,x_m,y_m,start\nA,0,0,2019-08-01\n")
    timed = read([picture("1", "A", None)], table)
    assert timed.survey.start_s == utc_seconds("2019-08-01T00:00:00Z")


def test_wrong_values_of_the_table_are_listed_by_row(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("camera_id,x_m,y_m\nA,here,0\na,0,0\n")
    with pytest.raises(InvalidInputError, match=r"row 2, x_m 'here'[\s\S]*the camera A twice"):
        read([picture("1", "A")], table)
