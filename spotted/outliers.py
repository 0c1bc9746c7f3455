"""Places that lie so far from the others that they are more likely wrong than right.

A typed coordinate with a lost sign, swapped parts or zeros lies far outside the survey, and the largest
distance by which all distances are normalised would be its own.
Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import math

import numpy as np

from spotted.arrays import BoolArray, Float64Array

# one place that stretches the survey by this factor is left out, if there are enough others to judge by
STRETCH = 1.5
ENOUGH_PLACES = 8
# groups, and a place among fewer, only if they stretch the survey by this factor
ABSURD_STRETCH = 10.0
FEWEST_PLACES = 3
LARGEST_SHARE = 0.1


def largest_distance_m(position_m: Float64Array) -> float:
    """The largest distance between two of the positions (n, dimensions), metres; 0 for n = 0.

    >>> largest_distance_m(np.array([[0.0, 0.0], [3000.0, 4000.0], [3000.0, 0.0]]))
    5000.0
    """
    if not len(position_m):
        return 0.0
    # a survey has hundreds of places, so the full table is small
    apart = position_m[:, None, :] - position_m[None, :, :]
    return math.sqrt(float((apart**2).sum(axis=-1).max()))


def outlying_places(position_m: Float64Array) -> BoolArray:
    """Which positions (n, dimensions), metres, lie far from all the others, (n,).

    Equal positions are one place. The places farthest from the median are outlying, as few as possible, if
    without them the largest distance is smaller by the factor `STRETCH` (one place beside at least
    `ENOUGH_PLACES` others) or `ABSURD_STRETCH` (one place beside fewer, or up to a tenth of all places). Of
    two places neither is outlying. In a survey whose places fill an area, one place changes the largest
    distance by little: by 8 and 11 % in the two surveys of real captures.

    >>> line = np.column_stack([np.arange(9) * 1000.0, np.zeros(9)])
    >>> bool(outlying_places(line).any())
    False
    >>> outlying_places(np.append(line, [[5_400_000.0, 0.0]], axis=0)).nonzero()[0]
    array([9])
    """
    places, place = np.unique(position_m, axis=0, return_inverse=True)
    count = len(places)
    if count < FEWEST_PLACES:
        return np.zeros(len(position_m), np.bool_)
    from_median = np.linalg.norm(places - np.median(places, axis=0), axis=1)
    nearest_first = np.argsort(from_median, kind="stable")
    whole = largest_distance_m(places)
    for left_out in range(1, max(1, int(LARGEST_SHARE * count)) + 1):
        single = left_out == 1 and count > ENOUGH_PLACES
        stretch = STRETCH if single else ABSURD_STRETCH
        kept = nearest_first[: count - left_out]
        if largest_distance_m(places[kept]) * stretch < whole:
            return ~np.isin(place, kept)
    return np.zeros(len(position_m), np.bool_)
