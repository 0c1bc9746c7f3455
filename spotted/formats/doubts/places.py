"""Cameras whose position is most likely wrong, and the mistake that would explain it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from spotted.survey import Survey

Degrees = tuple[float, float]
# a corrected position fits if it lies this near to the others, in their own extent or degrees
_EXTENTS = 1.0
_LEAST_DEG = 0.5
# whether the parts are swapped, and the signs that correct latitude and longitude thereafter
_MISTAKES = (
    ("latitude and longitude are swapped", True, (1, 1)),
    ("the latitude lacks or has a minus sign", False, (-1, 1)),
    ("the longitude lacks or has a minus sign", False, (1, -1)),
    ("latitude and longitude lack or have minus signs", False, (-1, -1)),
    ("latitude and longitude are swapped and the latitude lacks or has a minus sign", True, (-1, 1)),
    ("latitude and longitude are swapped and the longitude lacks or has a minus sign", True, (1, -1)),
)


def place_notes(survey: Survey, positions_deg: Mapping[str, Degrees]) -> Iterator[str]:
    """One note for each camera whose position is most likely wrong.

    positions_deg: latitude and longitude by camera id, of the cameras that were given so.
    """
    outlying = survey.outlying_cameras()
    others = [c for c in survey.cameras.values() if c.has_position and c.camera_id not in outlying]
    others_deg = [positions_deg[c.camera_id] for c in others if c.camera_id in positions_deg]
    for camera_id in outlying:
        camera = survey.cameras[camera_id]
        nearest_m = min(
            math.dist((camera.x_m or 0, camera.y_m or 0), (o.x_m or 0, o.y_m or 0)) for o in others
        )
        if camera_id in positions_deg:
            latitude, longitude = positions_deg[camera_id]
            position = f"latitude {latitude:g}, longitude {longitude:g}"
            mistake = likely_mistake((latitude, longitude), others_deg)
        else:
            position = f"x {camera.x_m:g} m, y {camera.y_m:g} m"
            mistake = ""
        reason = f"it would fit if {mistake}" if mistake else "if the position is wrong"
        yield (
            f"camera {camera_id!r} lies {nearest_m / 1000:,.0f} km from all others ({position}); it does not "
            f"count in the extent of the survey; {reason}, correct it and import again"
        )


def likely_mistake(position: Degrees, others: Sequence[Degrees]) -> str:
    """The mistake that moved a position away from the others, "" if none of the usual ones explains it.

    >>> likely_mistake((31.54, -24.54), [(-24.5, 31.5), (-24.52, 31.52)])
    'latitude and longitude are swapped'
    """
    if not others:
        return ""
    lowest, highest = np.min(others, axis=0), np.max(others, axis=0)
    margin = np.maximum(_EXTENTS * (highest - lowest), _LEAST_DEG)
    for mistake, swapped, signs in _MISTAKES:
        corrected = np.array(position[::-1] if swapped else position) * signs
        if (corrected >= lowest - margin).all() and (corrected <= highest + margin).all():
            return mistake
    return ""
