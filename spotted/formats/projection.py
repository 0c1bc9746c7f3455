"""Latitude and longitude to metres on a plane, with errors of distances below 0.1 % where possible.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from pyproj import CRS, Transformer

from spotted.arrays import Float64Array
from spotted.outliers import outlying_places

# UTM is defined between these latitudes; within 3 degrees of the meridian its scale is right to 0.1 %
UTM_LATITUDES_DEG = (-80.0, 84.0)
ZONE_HALF_WIDTH_DEG = 3.0
EARTH_RADIUS_M = 6_371_000.0
LARGEST_ERROR = 1e-3


@dataclass(frozen=True, slots=True)
class Projection:
    """Positions on a plane, and the projection used."""

    position_m: Float64Array
    """(n, 2) easting and northing, metres."""
    title: str
    """EPSG code, or a description with the centre of the projection."""
    distance_error: float
    """Bound of the relative error of the distance between any two positions."""


def project(latitude_deg: Float64Array, longitude_deg: Float64Array) -> Projection:
    """Positions in the UTM zone that contains them all, or else in a projection around their centre.

    latitude_deg, longitude_deg: (n,), WGS84, n > 0. UTM is used if every position lies within 3 degrees of
    the central meridian of the centre's zone, because other map layers use it too. Surveys across zones, the
    date line or a pole get an azimuthal equidistant projection around their centre. Positions that are most
    likely wrong (`spotted.outliers`) choose neither the projection nor its error.

    >>> projection = project(np.array([-24.00, -24.01]), np.array([31.50, 31.50]))
    >>> projection.title, float(np.hypot(*np.diff(projection.position_m, axis=0)[0]).round())
    ('EPSG:32736', 1107.0)
    """
    directions = _directions(latitude_deg, longitude_deg)
    believable = ~outlying_places(EARTH_RADIUS_M * directions)
    latitude, longitude = _centre(directions[believable])
    zone = min(int((longitude + 180.0) // 6.0) + 1, 60)
    from_meridian = (longitude_deg[believable] - (zone * 6.0 - 183.0) + 180.0) % 360.0 - 180.0
    in_zone = np.abs(from_meridian).max() <= ZONE_HALF_WIDTH_DEG
    lowest, highest = UTM_LATITUDES_DEG
    latitudes_deg = latitude_deg[believable]
    if in_zone and lowest <= latitudes_deg.min() and latitudes_deg.max() <= highest:
        code = (32600 if latitude >= 0.0 else 32700) + zone
        position_m = _transformed(CRS.from_epsg(code), latitude_deg, longitude_deg)
        # far from its meridian, UTM has no value for some positions
        if np.isfinite(position_m).all():
            return Projection(position_m, f"EPSG:{code}", LARGEST_ERROR)
    own = CRS.from_proj4(f"+proj=aeqd +lat_0={latitude:.6f} +lon_0={longitude:.6f} +datum=WGS84 +units=m")
    title = f"an azimuthal equidistant projection around {latitude:.6f}, {longitude:.6f}"
    position_m = _transformed(own, latitude_deg, longitude_deg)
    return Projection(position_m, title, _stretch(float(np.hypot(*position_m[believable].T).max())))


def _transformed(crs: CRS, latitude_deg: Float64Array, longitude_deg: Float64Array) -> Float64Array:
    transformer = Transformer.from_crs(CRS.from_epsg(4326), crs, always_xy=True)
    x_m, y_m = transformer.transform(longitude_deg, latitude_deg)
    return np.column_stack([x_m, y_m]).astype(np.float64)


def _stretch(radius_m: float) -> float:
    """Relative error of an azimuthal equidistant projection for lines across the radius, a / sin(a) - 1."""
    angle = min(radius_m / EARTH_RADIUS_M, math.pi - 0.1)
    return angle / math.sin(angle) - 1.0 if angle else 0.0


def _directions(latitude_deg: Float64Array, longitude_deg: Float64Array) -> Float64Array:
    """Unit vectors from the Earth's centre, (n, 3)."""
    latitude, longitude = np.radians(latitude_deg), np.radians(longitude_deg)
    return np.column_stack(
        [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)]
    )


def _centre(directions: Float64Array) -> tuple[float, float]:
    """Latitude and longitude of the mean direction, degrees: safe at the date line."""
    x, y, z = directions.mean(axis=0).tolist()
    return math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x))
