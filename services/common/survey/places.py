"""The positions of a survey's cameras on one plane: as given in metres, or projected from WGS84."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from spotted.arrays import Float64Array
from spotted.errors import CoordinatesError
from spotted.geodesy import FARTHEST_M, Plane
from spotted.survey import Camera


def place(cameras: Mapping[str, Camera]) -> tuple[dict[str, Camera], str]:
    """The cameras, those with latitude and longitude projected, and their plane as a PROJ string.

    The string is empty if no camera has latitude and longitude. The plane depends on all of them, not on
    their order. A camera too far from its centre has no position.
    """
    placed = dict(cameras)
    ids, latitude, longitude = _degrees(cameras)
    if not ids:
        return placed, ""
    plane = Plane.around(latitude, longitude)
    for camera_id, position in zip(ids, plane.positions(latitude, longitude), strict=True):
        placed[camera_id] = _at(cameras[camera_id], position)
    return placed, plane.proj


def check_places(cameras: Mapping[str, Camera]) -> None:
    """Raise CoordinatesError if some cameras are placed in metres and others in degrees, or too far apart."""
    planar = [c.camera_id for c in cameras.values() if c.has_position and not _has_degrees(c)]
    ids, latitude, longitude = _degrees(cameras)
    if planar and ids:
        raise CoordinatesError(
            f"camera {planar[0]!r} has a position in metres and camera {ids[0]!r} in degrees; give all "
            "cameras of the survey in metres of one projection, or all in degrees"
        )
    placed, _ = place(cameras)
    if not all(placed[camera_id].has_position for camera_id in ids):
        distances_m = Plane.around(latitude, longitude).sphere_distances_m(latitude, longitude)
        raise CoordinatesError(
            f"camera {ids[int(distances_m.argmax())]!r} is more than {FARTHEST_M / 1000.0:.0f} km from the "
            "centre of the cameras, so distances on one plane would be wrong by more than 0.1 %; correct its "
            "position, or make one survey for each area"
        )


def _degrees(cameras: Mapping[str, Camera]) -> tuple[list[str], Float64Array, Float64Array]:
    """The cameras with latitude and longitude (n,): their ids in one order, so that sums never differ."""
    ids = sorted(camera_id for camera_id, camera in cameras.items() if _has_degrees(camera))
    degrees = [(cameras[i].latitude_deg, cameras[i].longitude_deg) for i in ids]
    latitude, longitude = np.array(degrees, np.float64).reshape(-1, 2).T
    return ids, latitude, longitude


def _has_degrees(camera: Camera) -> bool:
    return camera.latitude_deg is not None and camera.longitude_deg is not None


def _at(camera: Camera, position_m: Float64Array) -> Camera:
    x_m, y_m = (None, None) if np.isnan(position_m).any() else position_m.tolist()
    return replace(camera, x_m=x_m, y_m=y_m)
