"""Latitude and longitude on the WGS84 ellipsoid, and positions on a plane whose distances are true to 0.1 %.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from spotted.arrays import Float64Array

# WGS84: semi-major axis, metres, and flattening
A_M = 6_378_137.0
F = 1.0 / 298.257_223_563
B_M = A_M * (1.0 - F)
# Vincenty's iteration gains about two decimals a step over the distances of a survey
STEPS = 12
# a tenth of a metre, so that the PROJ string states the centre exactly
CENTRE_DECIMALS = 6
# the error that distances on the plane may have, as a share
LARGEST_ERROR = 1e-3
MEAN_RADIUS_M = 6_371_000.0
# farther from the centre the plane stretches distances by more than that: angle / sin(angle) - 1 = 0.001
FARTHEST_M = 0.0773 * MEAN_RADIUS_M


@dataclass(frozen=True, slots=True)
class Plane:
    """A plane that touches the Earth at a centre: azimuthal equidistant.

    >>> plane = Plane.around(np.array([-24.00, -24.01]), np.array([31.50, 31.50]))
    >>> positions = plane.positions(np.array([-24.00, -24.01]), np.array([31.50, 31.50]))
    >>> float(np.hypot(*(positions[0] - positions[1])).round(1))
    1107.6
    """

    latitude_deg: float
    longitude_deg: float

    @classmethod
    def around(cls, latitude_deg: Float64Array, longitude_deg: Float64Array) -> Plane:
        """The plane at the centre of positions (n,), n > 0: their mean direction from the Earth's centre."""
        latitude, longitude = np.radians(latitude_deg), np.radians(longitude_deg)
        x = float((np.cos(latitude) * np.cos(longitude)).mean())
        y = float((np.cos(latitude) * np.sin(longitude)).mean())
        z = float(np.sin(latitude).mean())
        centre = math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x))
        return cls(*(round(degrees, CENTRE_DECIMALS) for degrees in centre))

    @property
    def proj(self) -> str:
        """The plane as a PROJ string."""
        return (
            f"+proj=aeqd +lat_0={self.latitude_deg:.{CENTRE_DECIMALS}f} "
            f"+lon_0={self.longitude_deg:.{CENTRE_DECIMALS}f} +datum=WGS84 +units=m"
        )

    def sphere_distances_m(self, latitude_deg: Float64Array, longitude_deg: Float64Array) -> Float64Array:
        """Distances (n,) from the centre to any positions, right to 0.6 %: haversine formula on a sphere."""
        latitude_0, longitude_0 = math.radians(self.latitude_deg), math.radians(self.longitude_deg)
        latitude, longitude = np.radians(latitude_deg), np.radians(longitude_deg)
        across = np.sin((longitude - longitude_0) / 2.0) ** 2 * math.cos(latitude_0) * np.cos(latitude)
        share = np.sin((latitude - latitude_0) / 2.0) ** 2 + across
        return np.asarray(2.0 * MEAN_RADIUS_M * np.arcsin(np.sqrt(np.minimum(share, 1.0))), np.float64)

    def positions(self, latitude_deg: Float64Array, longitude_deg: Float64Array) -> Float64Array:
        """East and north of the centre, (n, 2) metres; NaN farther away than FARTHEST_M."""
        latitude_0, longitude_0 = math.radians(self.latitude_deg), math.radians(self.longitude_deg)
        latitude, longitude = np.radians(latitude_deg), np.radians(longitude_deg)
        # Vincenty's iteration does not converge on the other side of the Earth
        near = self.sphere_distances_m(latitude_deg, longitude_deg) < 2.0 * FARTHEST_M
        distance_m, azimuth = _inverse(
            latitude_0,
            longitude_0,
            np.where(near, latitude, latitude_0),
            np.where(near, longitude, longitude_0),
        )
        distance_m = np.where(near & (distance_m <= FARTHEST_M), distance_m, np.nan)
        return np.column_stack([distance_m * np.sin(azimuth), distance_m * np.cos(azimuth)])


def _inverse(
    latitude_0: float, longitude_0: float, latitude: Float64Array, longitude: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """Geodesic distances, metres, and azimuths, radians, from one position to others; all in radians.

    Vincenty's inverse formula (1975).
    """
    u_0, u = math.atan((1.0 - F) * math.tan(latitude_0)), np.arctan((1.0 - F) * np.tan(latitude))
    difference = (longitude - longitude_0 + math.pi) % (2.0 * math.pi) - math.pi
    turned = difference
    for _ in range(STEPS):
        east = np.cos(u) * np.sin(turned)
        north = math.cos(u_0) * np.sin(u) - math.sin(u_0) * np.cos(u) * np.cos(turned)
        sin_arc = np.hypot(east, north)
        cos_arc = math.sin(u_0) * np.sin(u) + math.cos(u_0) * np.cos(u) * np.cos(turned)
        arc = np.arctan2(sin_arc, cos_arc)
        # the same position has no direction: any azimuth at distance 0
        sin_alpha = math.cos(u_0) * east / np.where(sin_arc == 0.0, 1.0, sin_arc)
        cos2_alpha = 1.0 - sin_alpha**2
        # on the equator the term has the factor 0
        cos_2m = cos_arc - 2.0 * math.sin(u_0) * np.sin(u) / np.where(cos2_alpha == 0.0, np.inf, cos2_alpha)
        c = F / 16.0 * cos2_alpha * (4.0 + F * (4.0 - 3.0 * cos2_alpha))
        inner = cos_2m + c * cos_arc * (2.0 * cos_2m**2 - 1.0)
        turned = difference + (1.0 - c) * F * sin_alpha * (arc + c * sin_arc * inner)
    u2 = cos2_alpha * (A_M**2 - B_M**2) / B_M**2
    big_a = 1.0 + u2 / 16384.0 * (4096.0 + u2 * (u2 * (320.0 - 175.0 * u2) - 768.0))
    big_b = u2 / 1024.0 * (256.0 + u2 * (u2 * (74.0 - 47.0 * u2) - 128.0))
    outer = big_b / 6.0 * cos_2m * (4.0 * sin_arc**2 - 3.0) * (4.0 * cos_2m**2 - 3.0)
    middle = big_b / 4.0 * (cos_arc * (2.0 * cos_2m**2 - 1.0) - outer)
    arc_difference = big_b * sin_arc * (cos_2m + middle)
    return B_M * big_a * (arc - arc_difference), np.arctan2(east, north)
