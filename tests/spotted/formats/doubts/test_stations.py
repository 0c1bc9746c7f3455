from __future__ import annotations

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.doubts.stations import settle_stations
from spotted.formats.problems import Problems
from spotted.survey import STATION_EXTENT_M, Camera

FAR_M = STATION_EXTENT_M + 5


def cameras(*places: tuple[str, float | None, str]) -> dict[str, Camera]:
    return {i: Camera(i, x_m, None if x_m is None else 0.0, station=name) for i, x_m, name in places}


@pytest.mark.parametrize(("x_m", "joined"), [(0.0, True), (STATION_EXTENT_M - 5, True), (FAR_M, False)])
def test_cameras_far_apart_are_a_doubt_and_no_station(x_m: float, *, joined: bool) -> None:
    problems = Problems()
    given = cameras(("a", 0.0, "L"), ("b", x_m, "L"), ("c", 0.0, "M"), ("d", None, "L"))
    settled, notes = settle_stations(given, {}, problems)
    kept = {"a": "L", "b": "L", "d": "L"} if joined else dict.fromkeys("abd", "")
    assert {i: camera.station for i, camera in settled.items()} == kept | {"c": "M"}
    assert notes == (["1 station with several cameras, such as 'L' ('a', 'b', 'd')"] if joined else [])
    doubt = (
        "station 'L': its 3 cameras lie up to 1.0 km apart; each is taken as a station of its own; correct a "
        "position, or give each place its own station"
    )
    assert problems.notes == ([] if joined else [doubt])


def test_a_strict_import_refuses_them() -> None:
    problems = Problems(strict=True)
    settle_stations(cameras(("a", 0.0, "L"), ("b", FAR_M, "L")), {}, problems)
    with pytest.raises(InvalidInputError, match="station 'L'"):
        problems.raise_any()


def test_periods_of_one_camera_are_a_station_unless_the_files_name_another() -> None:
    given = cameras(
        ("A", 0.0, ""), ("A#2", 0.0, ""), ("B", 5.0, "ford"), ("B#2", 5.0, "ford"), ("C", 9.0, "ford")
    )
    periods = {"A": "A", "A#2": "A", "B": "B", "B#2": "B"}
    settled, _ = settle_stations(given, periods, Problems())
    assert [camera.station for camera in settled.values()] == ["A", "A", "ford", "ford", "ford"]
