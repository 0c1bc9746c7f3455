from __future__ import annotations

import pytest
from pyproj import Geod

from spotted.formats.camtrapdp.stations import STATION_RADIUS_M, shared_stations

HERE = (-24.5, 31.5)


@pytest.mark.parametrize(
    ("metres", "joined"), [(0.0, True), (STATION_RADIUS_M - 5, True), (STATION_RADIUS_M + 5, False)]
)
@pytest.mark.parametrize("azimuth", [0.0, 45.0, 90.0])
def test_deployments_of_a_location_are_a_station_unless_they_are_far_apart(
    metres: float, azimuth: float, *, joined: bool
) -> None:
    longitude, latitude, _ = Geod(ellps="WGS84").fwd(HERE[1], HERE[0], azimuth, metres)
    stations, notes = shared_stations({"a": "L", "b": "L", "c": "M"}, {"a": HERE, "b": (latitude, longitude)})
    assert stations == ({"a": "L", "b": "L"} if joined else {})
    assert ("1 station with several deployments" in notes[0]) == joined
    assert ("1 locationID with deployments more than 500 m apart, such as 'L'" in notes[0]) != joined


def test_deployments_without_a_location_or_position_are_no_reason_to_join_or_part() -> None:
    assert shared_stations({"a": "", "b": ""}, {}) == ({}, [])
    assert shared_stations({"a": "L", "b": "L"}, {"a": HERE})[0] == {"a": "L", "b": "L"}
