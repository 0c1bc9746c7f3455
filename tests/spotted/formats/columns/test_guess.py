from __future__ import annotations

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.columns.guess import ColumnMap, check_given, guess_columns
from spotted.formats.sheets import Sheet


def sheet_of(columns: dict[str, list[str]]) -> Sheet:
    rows = {
        n: dict(zip(columns, cells, strict=True))
        for n, cells in enumerate(zip(*columns.values(), strict=True), 2)
    }
    return Sheet("leopards.csv", tuple(columns), rows)


FIELD_TABLE = {
    "Site": ["North", "North"],
    "Station": ["A1", "A2"],
    "Date": ["24/03/2020", "25/03/2020"],
    "Time": ["11:21", "1:05 PM"],
    "Photo": ["1.jpg", "2.jpg"],
    "Observer": ["Jo", "Jo"],
}


def test_fields_are_found_by_titles_and_rivals_are_named() -> None:
    found = guess_columns(sheet_of(FIELD_TABLE))
    assert found.columns == {"camera_id": "Station", "date": "Date", "clock": "Time", "image": "Photo"}
    assert found.rivals == {"camera_id": "Site"}
    assert found.is_detections
    assert not found.has_place


def test_what_is_given_counts_and_an_empty_column_is_not_read() -> None:
    found = guess_columns(sheet_of(FIELD_TABLE), {"camera_id": "Site", "image": "", "start": "Elsewhere"})
    assert found.columns["camera_id"] == "Site"
    assert "image" not in found.fields
    assert "start" not in found.fields
    cells = {"camera_id": "North", "date": "", "clock": "", "station": "A1"}
    assert found.apply({"Site": "North", "Station": "A1"}) == cells


def test_one_column_with_date_and_time_is_a_time_whatever_its_title() -> None:
    for title in ("Date", "Time"):
        found = guess_columns(sheet_of({"Camera": ["A"], title: ["24/03/2020 11:21"]}))
        assert found.columns == {"camera_id": "Camera", "time": title}


def test_x_and_y_are_degrees_or_metres_by_their_values() -> None:
    degrees = guess_columns(sheet_of({"Site": ["A"], "X": ["31.2"], "Y": ["-24.5"], "Date": ["2020-03-24"]}))
    assert (degrees.columns["longitude"], degrees.columns["latitude"]) == ("X", "Y")
    metres = guess_columns(
        sheet_of({"Site": ["A"], "X": ["322681"], "Y": ["7289291"], "Date": ["2020-03-24"]})
    )
    assert (metres.columns["x_m"], metres.columns["y_m"]) == ("X", "Y")
    assert degrees.has_place
    assert metres.has_place


def test_image_files_are_found_by_their_values() -> None:
    found = guess_columns(sheet_of({"Site": ["A", "A"], "Beweis": ["1.JPG", "x/2.heic"]}))
    assert found.columns["image"] == "Beweis"


def test_a_title_whose_values_are_of_another_kind_is_not_read() -> None:
    found = guess_columns(
        sheet_of({"Date": ["night", "day"], "Lat": ["A1", "A2"], "Photo": ["1.jpg", "2.jpg"]})
    )
    assert found.columns == {"image": "Photo"}
    assert not found.is_detections


def test_a_table_of_cameras_has_ids_and_places_or_periods() -> None:
    table = sheet_of({"Station": ["A"], "Setup date": ["24/03/2020"], "Retrieval date": ["30/03/2020"]})
    found = guess_columns(table, cameras=True)
    assert found.is_cameras
    assert not found.has_place
    assert not ColumnMap({"camera_id": "Station"}).is_cameras


def test_an_unknown_field_and_an_absent_column_are_refused_with_what_there_is() -> None:
    table = sheet_of(FIELD_TABLE)
    with pytest.raises(
        InvalidInputError, match=r"unknown field 'kamera' in --map; fields are camera_id, time"
    ):
        check_given({"kamera": "Station"}, [table])
    with pytest.raises(
        InvalidInputError, match=r"no column has the title 'Cam'; leopards\.csv has Site, Station"
    ):
        check_given({"camera_id": "Cam"}, [table])
    check_given({"camera_id": "Station", "species": ""}, [table])
