"""Latitude and longitude to metres on a plane, with distances true to better than 0.1 %."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from pyproj import CRS, Transformer

from spotted.arrays import Float64Array

# where UTM is defined, and where the scale of a zone stays within 0.1 %, 3 degrees from its meridian
UTM_LATITUDES_DEG = (-80.0, 84.0)
ZONE_HALF_WIDTH_DEG = 3.0
EARTH_RADIUS_M = 6_371_000.0
LARGEST_ERROR = 1e-3


@dataclass(frozen=True, slots=True)
class Projection:
    """Positions on a plane and how they came there.

    position_m: (n, 2) easting and northing, metres.
    title: such as EPSG:32736, or the centre of the survey's own projection.
    distance_error: bound of the relative error of distances between any two of the positions.
    """

    position_m: Float64Array
    title: str
    distance_error: float


def project(latitude_deg: Float64Array, longitude_deg: Float64Array) -> Projection:
    """Positions in the UTM zone that holds them all, or else in a projection of their own.

    latitude_deg, longitude_deg: (n,), WGS84, n > 0. UTM is taken where every position lies within 3
    degrees of the central meridian of the centre's zone: people know its coordinates and their other
    layers have them. Surveys across zones, the date line or a pole get an azimuthal equidistant
    projection around their centre.
    """
    latitude, longitude = _centre(latitude_deg, longitude_deg)
    zone = min(int((longitude + 180.0) // 6.0) + 1, 60)
    from_meridian = (longitude_deg - (zone * 6.0 - 183.0) + 180.0) % 360.0 - 180.0
    in_zone = np.abs(from_meridian).max() <= ZONE_HALF_WIDTH_DEG
    lowest, highest = UTM_LATITUDES_DEG
    if in_zone and lowest <= latitude_deg.min() and latitude_deg.max() <= highest:
        code = (32600 if latitude >= 0.0 else 32700) + zone
        position_m = _transformed(CRS.from_epsg(code), latitude_deg, longitude_deg)
        return Projection(position_m, f"EPSG:{code}", LARGEST_ERROR)
    own = CRS.from_proj4(f"+proj=aeqd +lat_0={latitude:.6f} +lon_0={longitude:.6f} +datum=WGS84 +units=m")
    title = f"an azimuthal equidistant projection around {latitude:.6f}, {longitude:.6f}"
    position_m = _transformed(own, latitude_deg, longitude_deg)
    return Projection(position_m, title, _stretch(float(np.hypot(*position_m.T).max())))


def _transformed(crs: CRS, latitude_deg: Float64Array, longitude_deg: Float64Array) -> Float64Array:
    transformer = Transformer.from_crs(CRS.from_epsg(4326), crs, always_xy=True)
    x_m, y_m = transformer.transform(longitude_deg, latitude_deg)
    return np.column_stack([x_m, y_m]).astype(np.float64)


def _stretch(radius_m: float) -> float:
    """How much too long an azimuthal equidistant projection draws lines across the radius, a / sin(a) - 1."""
    angle = min(radius_m / EARTH_RADIUS_M, math.pi - 0.1)
    return angle / math.sin(angle) - 1.0 if angle else 0.0


def _centre(latitude_deg: Float64Array, longitude_deg: Float64Array) -> tuple[float, float]:
    """The middle of positions by their mean direction from the Earth's centre, safe at the date line."""
    latitude, longitude = np.radians(latitude_deg), np.radians(longitude_deg)
    x = float((np.cos(latitude) * np.cos(longitude)).mean())
    y = float((np.cos(latitude) * np.sin(longitude)).mean())
    z = float(np.sin(latitude).mean())
    return math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x))
