from __future__ import annotations

import numpy as np
import pytest
from pyproj import Geod

from spotted.arrays import Float64Array
from spotted.formats.projection import LARGEST_ERROR, project

GEOD = Geod(ellps="WGS84")


def largest_error(latitude: Float64Array, longitude: Float64Array) -> tuple[float, str, float]:
    """The largest relative error against geodesics over all pairs, with what the projection says."""
    projection = project(latitude, longitude)
    first, second = np.triu_indices(len(latitude), 1)
    _, _, geodesic_m = GEOD.inv(longitude[first], latitude[first], longitude[second], latitude[second])
    planar_m = np.linalg.norm(projection.position_m[first] - projection.position_m[second], axis=1)
    return float(np.abs(planar_m / geodesic_m - 1.0).max()), projection.title, projection.distance_error


def cloud(latitude: float, longitude: float, width_deg: float) -> tuple[Float64Array, Float64Array]:
    rng = np.random.default_rng(3)
    latitudes = latitude + rng.uniform(-width_deg, width_deg, 40)
    return latitudes, (longitude + rng.uniform(-width_deg, width_deg, 40) + 180.0) % 360.0 - 180.0


@pytest.mark.parametrize(
    ("latitude", "longitude", "title"),
    [
        (-24.99, 31.55, "EPSG:32736"),
        (16.8, -88.5, "EPSG:32616"),
        (-24.0, 29.95, "an azimuthal equidistant"),
        (0.0, 36.0, "an azimuthal equidistant"),
        (65.0, 179.99, "an azimuthal equidistant"),
        (89.5, 10.0, "an azimuthal equidistant"),
    ],
)
def test_distances_are_within_a_thousandth_of_geodesics(
    latitude: float, longitude: float, title: str
) -> None:
    error, chosen, reported = largest_error(*cloud(latitude, longitude, 0.3))
    assert chosen.startswith(title)
    assert error < 1e-3
    assert reported <= 1e-3


def test_the_edge_of_a_zone_on_the_equator_is_within_a_thousandth() -> None:
    error, chosen, _ = largest_error(np.array([0.0, 0.0, 0.2]), np.array([30.0, 30.2, 30.1]))
    assert chosen == "EPSG:32636"
    assert error < LARGEST_ERROR


def test_the_error_of_a_continental_survey_is_reported_and_bounds_the_true_one() -> None:
    error, _, reported = largest_error(*cloud(10.0, 20.0, 12.0))
    assert LARGEST_ERROR < error <= reported


def test_one_position_and_equal_positions_are_finite() -> None:
    assert np.isfinite(project(np.array([0.0]), np.array([180.0])).position_m).all()
    twice = project(np.array([-90.0, -90.0]), np.array([0.0, 0.0])).position_m
    assert np.allclose(twice[0], twice[1])


@pytest.mark.parametrize(
    ("latitude", "longitude"), [(24.54, 31.54), (0.0, 0.0), (31.5, -24.5), (-24.5, -150.0)]
)
def test_a_wrong_position_does_not_move_the_others(latitude: float, longitude: float) -> None:
    rng = np.random.default_rng(2)
    latitudes, longitudes = rng.uniform(-24.6, -24.4, 12), rng.uniform(31.4, 31.6, 12)
    clean = project(latitudes, longitudes)
    mixed = project(np.append(latitudes, latitude), np.append(longitudes, longitude))
    apart = np.hypot(*(clean.position_m - clean.position_m[0]).T)
    moved = np.hypot(*(mixed.position_m[:-1] - mixed.position_m[0]).T)
    assert moved == pytest.approx(apart, rel=LARGEST_ERROR)
    assert mixed.distance_error <= LARGEST_ERROR
    assert np.isfinite(mixed.position_m).all()
