"""Positions on the plane against geodesics of another implementation, pyproj's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from spotted.arrays import Float64Array
from spotted.geodesy import FARTHEST_M, LARGEST_ERROR, Plane

WGS84 = Geod(ellps="WGS84")
LATITUDES = st.floats(-90.0, 90.0)
LONGITUDES = st.floats(-180.0, 180.0)


def around(
    latitude: float, longitude: float, radius_m: float, rng: np.random.Generator, count: int = 30
) -> tuple[Float64Array, Float64Array]:
    """Positions within a radius of a centre, the farthest on its edge."""
    distances = radius_m * np.sqrt(rng.random(count))
    distances[:4] = radius_m
    azimuths = rng.uniform(-180.0, 180.0, count)
    centre = np.full(count, longitude), np.full(count, latitude)
    longitudes, latitudes, _ = WGS84.fwd(*centre, azimuths, distances)
    return np.asarray(latitudes), np.asarray(longitudes)


def geodesics(latitudes: Float64Array, longitudes: Float64Array) -> Float64Array:
    """Distances of all pairs (n, n)."""
    first, second = np.triu_indices(len(latitudes), 1)
    _, _, found = WGS84.inv(longitudes[first], latitudes[first], longitudes[second], latitudes[second])
    return np.asarray(found, np.float64)


def planar(latitudes: Float64Array, longitudes: Float64Array, plane: Plane | None = None) -> Float64Array:
    positions = (plane or Plane.around(latitudes, longitudes)).positions(latitudes, longitudes)
    first, second = np.triu_indices(len(latitudes), 1)
    return np.asarray(np.hypot(*(positions[first] - positions[second]).T), np.float64)


@given(LATITUDES, LONGITUDES, st.floats(10.0, 0.99 * FARTHEST_M), st.integers(0, 2**32))
def test_distances_are_those_of_geodesics_to_a_thousandth(
    latitude: float, longitude: float, radius_m: float, seed: int
) -> None:
    latitudes, longitudes = around(latitude, longitude, radius_m, np.random.default_rng(seed))
    np.testing.assert_allclose(
        planar(latitudes, longitudes, Plane(latitude, longitude)),
        geodesics(latitudes, longitudes),
        rtol=LARGEST_ERROR,
        atol=0.01,
    )


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [(0.0, 0.0), (-24.0, 31.5), (63.0, 12.0), (0.0, 179.99), (-17.8, -179.9), (89.9, 50.0), (-90.0, 0.0)],
)
def test_a_survey_of_a_hundred_kilometres_is_true_to_a_ten_thousandth(
    latitude: float, longitude: float
) -> None:
    latitudes, longitudes = around(latitude, longitude, 50_000.0, np.random.default_rng(7), count=200)
    found, expected = planar(latitudes, longitudes), geodesics(latitudes, longitudes)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=0.01)


@given(LATITUDES, LONGITUDES)
def test_the_centre_is_the_origin(latitude: float, longitude: float) -> None:
    position = Plane(latitude, longitude).positions(np.array([latitude]), np.array([longitude]))
    np.testing.assert_allclose(position, 0.0, atol=1e-3)


@given(LATITUDES, LONGITUDES, LATITUDES, LONGITUDES)
def test_what_is_too_far_for_the_plane_has_no_position(
    latitude: float, longitude: float, other_latitude: float, other_longitude: float
) -> None:
    _, _, distance_m = WGS84.inv(longitude, latitude, other_longitude, other_latitude)
    position = Plane(latitude, longitude).positions(np.array([other_latitude]), np.array([other_longitude]))
    if distance_m < 0.999 * FARTHEST_M:
        np.testing.assert_allclose(np.hypot(*position[0]), distance_m, rtol=1e-6, atol=1e-3)
    elif distance_m > 1.001 * FARTHEST_M:
        assert np.isnan(position).all()


def test_east_is_east_and_north_is_north() -> None:
    (x_m, y_m), (_, north_m) = Plane(-24.0, 31.5).positions(np.array([-24.0, -23.0]), np.array([32.0, 31.5]))
    assert x_m > 50_000.0
    assert abs(y_m) < 200.0
    assert 110_000.0 < north_m < 111_000.0
