"""Deployments at one location: cameras of one station, such as a pair that faces both sides of a trail."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping

from spotted.formats.imported_survey import format_count

# cameras of one station see one animal pass; farther apart they are two stations under one name
STATION_RADIUS_M = 500.0
_METRES_PER_DEGREE = 111_195.0
_SHOWN = 3


def shared_stations(
    locations: Mapping[str, str], positions: Mapping[str, tuple[float, float]]
) -> tuple[dict[str, str], list[str]]:
    """The station of each deployment that shares its location with another one, and notes.

    locations: locationID by deployment, "" if unknown.
    positions: latitude and longitude by deployment.

    >>> locations = {"D0": "L0", "D1": "L0", "D2": "L2"}
    >>> shared_stations(locations, {"D0": (-24.5, 31.5), "D1": (-24.5, 31.5)})[0]
    {'D0': 'L0', 'D1': 'L0'}
    """
    members: defaultdict[str, list[str]] = defaultdict(list)
    for deployment, location in locations.items():
        members[location].append(deployment)
    stations: dict[str, str] = {}
    wide = []
    for location, deployments in members.items():
        places = [positions[d] for d in deployments if d in positions]
        if not location or len(deployments) < 2:  # noqa: PLR2004 - a pair
            continue
        if any(_distance_m(a, b) > STATION_RADIUS_M for a in places for b in places):
            wide.append(location)
        else:
            stations |= dict.fromkeys(deployments, location)
    count = len(set(stations.values()))
    notes = [f"{format_count(count, 'station')} with several deployments, by locationID"] if count else []
    if wide:
        notes.append(
            f"{format_count(len(wide), 'locationID')} with deployments more than {STATION_RADIUS_M:g} m "
            f"apart, such as {', '.join(map(repr, wide[:_SHOWN]))}; each deployment is a station of its own"
        )
    return stations, notes


def _distance_m(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Distance over a few kilometres, where the Earth is a plane."""
    north = second[0] - first[0]
    east = (second[1] - first[1]) * math.cos(math.radians(first[0]))
    return _METRES_PER_DEGREE * math.hypot(north, east)
