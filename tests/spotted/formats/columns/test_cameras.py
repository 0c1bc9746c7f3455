from __future__ import annotations

from collections.abc import Sequence

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.columns.cameras import camera_of, camera_table, cameras_of_records, pair_of
from spotted.formats.columns.guess import guess_columns
from spotted.formats.problems import Problems
from spotted.formats.row import Row
from spotted.formats.sheets import Sheet


def rows_of(columns: Sequence[str], *cells: Sequence[str]) -> list[Row]:
    return [
        Row("a.csv", n, dict(zip(columns, row, strict=True)), Problems()) for n, row in enumerate(cells, 2)
    ]


def test_cameras_of_rows_are_those_they_name_at_their_positions() -> None:
    rows = rows_of(
        ("camera_id", "latitude", "longitude"), ("A", "24,5 S", "31"), ("B", "", ""), ("A", "-24.5", "31")
    )
    table = cameras_of_records(rows, ["", "", ""])
    assert table.rows == {
        2: {"camera_id": "A", "latitude": "-24.5", "longitude": "31"},
        3: {"camera_id": "B", "latitude": "", "longitude": ""},
    }


def test_a_station_beside_the_camera_is_read_from_either_table() -> None:
    rows = rows_of(("camera_id", "station"), ("A1", ""), ("A1", "ford"), ("B1", ""))
    table = cameras_of_records(rows, ["", "", ""])
    assert [cells.get("station") for cells in table.rows.values()] == ["ford", None]
    titles = ("Camera ID", "Station", "Lat", "Lon")
    sheet = Sheet("c.csv", titles, {2: dict(zip(titles, ("A1", "ford", "1", "2"), strict=True))})
    found = guess_columns(sheet, cameras=True)
    assert (found.columns["camera_id"], found.columns["station"], found.rivals) == (
        "Camera ID",
        "Station",
        {},
    )
    assert camera_table(sheet, found, Problems()).rows[2]["station"] == "ford"
    alone = Sheet("c.csv", titles[1:], {2: dict(zip(titles[1:], ("ford", "1", "2"), strict=True))})
    assert guess_columns(alone, cameras=True).columns["camera_id"] == "Station"
    assert "station" not in guess_columns(alone, cameras=True).columns


def test_a_camera_at_two_positions_has_a_period_at_each() -> None:
    rows = rows_of(
        ("camera_id", "x_m", "y_m"), ("A", "0", "0"), ("A", "0", "0"), ("A", "900", "0"), ("A", "", "")
    )
    times = ["2020-03-01T06:00:00", "2020-03-09T06:00:00", "2020-04-01T06:00:00", "2020-04-02T06:00:00"]
    cells = [*cameras_of_records(rows, times).rows.values()]
    assert [(c["x_m"], c["start"], c["end"]) for c in cells] == [
        ("0", times[0], times[1]),
        ("900", times[2], times[2]),
    ]


def test_rows_without_a_camera_are_of_a_camera_named_by_their_place() -> None:
    rows = rows_of(("latitude", "longitude"), ("-24.5", "31"), ("", ""))
    pair = pair_of(rows)
    assert [camera_of(row, pair) for row in rows] == ["-24.5, 31", ""]
    assert [cells["camera_id"] for cells in cameras_of_records(rows, ["", ""]).rows.values()] == ["-24.5, 31"]


def test_a_table_of_cameras_keeps_periods_downtimes_and_the_whole_last_day() -> None:
    titles = ("Station", "UTM X", "UTM Y", "Setup", "Retrieval", "Problem1_from", "Problem1_to")
    cells = ("A", "1 000,5", "0", "01.03.2020 10:00", "30.03.2020 00:00", "05.03.2020", "06.03.2020")
    sheet = Sheet("c.csv", titles, {2: dict(zip(titles, cells, strict=True))}, decimal_comma=True)
    table = camera_table(sheet, guess_columns(sheet, cameras=True), Problems())
    assert table.rows[2] == {
        "camera_id": "A",
        "station": "",
        "location_uncertainty_m": "",
        "clock_suspect": "",
        "x_m": "1000.5",
        "y_m": "0",
        "start": "2020-03-01T10:00:00",
        "end": "2020-03-30",
        "problem1_from": "2020-03-05",
        "problem1_to": "2020-03-06",
    }


def test_dates_of_cameras_that_can_be_read_in_two_ways_are_refused() -> None:
    titles = ("Station", "Start", "End")
    sheet = Sheet("c.csv", titles, {2: dict(zip(titles, ("A", "03/04/2020", "05/04/2020"), strict=True))})
    columns = guess_columns(sheet, cameras=True)
    with pytest.raises(InvalidInputError, match="--date-format DD/MM/YYYY or --date-format MM/DD/YYYY"):
        camera_table(sheet, columns, Problems())
    table = camera_table(sheet, columns, Problems(), date_format="%d/%m/%Y")
    assert table.rows[2]["start"] == "2020-04-03"
