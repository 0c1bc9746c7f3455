from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import Workbook

from spotted.errors import InvalidInputError
from spotted.formats.columns.records import Reading
from spotted.formats.columns.survey import read_mapped, resolve_columns
from spotted.formats.imported_survey import ImportedSurvey

RECORDS = "Station;Date;Photo;Observer\nA1;24/03/2020 11:21;1.jpg;Jo\nA2;25/03/2020 11:21;2.jpg;Jo\n"
STATIONS = (
    "Site name;Lat;Long;Start;End\nA1;-24,5;31,2;01/03/2020;30/03/2020\nA2;-24,6;31,2;01/03/2020;30/03/2020\n"
)


def read(path: Path) -> ImportedSurvey:
    found = resolve_columns(path)
    return read_mapped(
        path,
        found.columns,
        Reading("s", path.parent, timezone="+02:00"),
        cameras=found.cameras,
        camera_columns=found.camera_columns,
    )


def test_a_table_and_the_only_table_of_its_cameras_beside_it_become_a_survey(tmp_path: Path) -> None:
    (tmp_path / "records.csv").write_text(RECORDS)
    (tmp_path / "stations.csv").write_text(STATIONS)
    (tmp_path / "weather.csv").write_text("Date,Rain\n2020-03-24,3\n")
    imported = read(tmp_path / "records.csv")
    assert all(camera.has_position and camera.end_s for camera in imported.survey.cameras.values())
    notes = "\n".join(imported.notes)
    assert "records.csv: 'Station' as camera_id, 'Date' as time, 'Photo' as image; --map" in notes
    assert "records.csv: columns not read: Observer" in notes
    assert "stations.csv: 'Site name' as camera_id, 'Lat' as latitude" in notes
    assert any("stations.csv" in note for note in resolve_columns(tmp_path / "records.csv").notes)


def test_two_tables_of_cameras_have_to_be_chosen_from(tmp_path: Path) -> None:
    (tmp_path / "records.csv").write_text(RECORDS)
    for name in ("old.csv", "new.csv"):
        (tmp_path / name).write_text(STATIONS)
    found = resolve_columns(tmp_path / "records.csv")
    assert found.cameras is None
    assert "give one with --cameras" in found.notes[0]
    assert (
        resolve_columns(tmp_path / "records.csv", cameras=tmp_path / "old.csv").cameras
        == tmp_path / "old.csv"
    )


def test_the_sheets_of_a_workbook_are_detections_and_cameras_by_their_columns(tmp_path: Path) -> None:
    made = Workbook()
    for title, text in (("Cameras", STATIONS), ("Data", RECORDS)):
        made.create_sheet(title)
        for line in text.splitlines():
            made[title].append(line.split(";"))
    made.save(tmp_path / "leopards.xlsx")
    imported = read(tmp_path / "leopards.xlsx")
    assert [d.camera_id for d in imported.detections] == ["A1", "A2"]
    assert all(camera.has_position for camera in imported.survey.cameras.values())


def test_given_columns_count_in_the_table_that_has_them(tmp_path: Path) -> None:
    (tmp_path / "records.csv").write_text("Ort;Wann;Was\nA1;24/03/2020 11:21;1\n")
    (tmp_path / "c.csv").write_text("Kamerastandort;Lat;Long\nA1;-24.5;31\n")
    with pytest.raises(
        InvalidInputError, match=r"read so far: none; its columns are Ort, Wann, Was; add --map"
    ):
        resolve_columns(tmp_path / "records.csv")
    given = {"camera_id": "Ort", "time": "Wann", "image": "Was"}
    with pytest.raises(InvalidInputError, match=r"c\.csv: it is not clear which column is the camera"):
        resolve_columns(tmp_path / "records.csv", given, cameras=tmp_path / "c.csv")
    found = resolve_columns(tmp_path / "records.csv", {"camera_id": "Ort", "time": "Wann"})
    assert found.columns == {"camera_id": "Ort", "time": "Wann"}


def test_a_saved_column_stays_and_its_loss_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "records.csv"
    path.write_text(RECORDS)
    saved = {"camera_id": "Observer", "time": "Date", "image": "Photo", "species": ""}
    assert resolve_columns(path, saved=saved).columns["camera_id"] == "Observer"
    assert resolve_columns(path, {"camera_id": "Station"}, saved=saved).columns["camera_id"] == "Station"
    path.write_text(RECORDS.replace("Photo", "Image"))
    with pytest.raises(
        InvalidInputError, match="no column 'Photo' any more, which was read as image; name another"
    ):
        resolve_columns(path, saved=saved)
    with pytest.raises(InvalidInputError, match="lacks the column Photo, which was read before"):
        read_mapped(path, saved, Reading("s", tmp_path))


def test_metres_of_several_zones_are_refused(tmp_path: Path) -> None:
    rows = "A,456789,5123456,36S,2020-03-24 11:21\nB,999999,5123456,{},2020-03-25 11:21\n"
    (tmp_path / "a.csv").write_text("Station,Easting,Northing,UTM zone,Date\n" + rows.format("35S"))
    with pytest.raises(InvalidInputError, match=r"several zones \(35S, 36S\); convert them to latitude"):
        read(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_text("Station,Easting,Northing,UTM zone,Date\n" + rows.format("36S"))
    assert len(read(tmp_path / "a.csv").pictures) == 2


def test_wrong_values_are_named_with_the_row_of_the_table(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "Station,Lat,Long,Date\nA1,-24.5,north,2020-03-24 11:21\nA2,,,2020-03-24 11:22\n"
    )
    with pytest.raises(InvalidInputError, match=r"a\.csv row 2, longitude 'north' is not a number"):
        read_mapped(
            tmp_path / "a.csv",
            {"camera_id": "Station", "latitude": "Lat", "longitude": "Long", "time": "Date"},
            Reading("s", tmp_path, timezone="+02:00"),
        )
