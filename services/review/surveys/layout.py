"""The relative layout of cameras, computed from the distances between them and from nothing else.

Annotators see distances, since they judge journeys by them, and never coordinates. Classical scaling
(Torgerson 1952) finds the layout that has given distances, up to a shift, a turn and a mirror image: so no
layout here tells a place or a direction, whoever asks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from spotted.arrays import Float64Array

# the length of a scale bar, as a share of the width, at most
LONGEST_BAR = 0.4
STEPS = (5.0, 2.0, 1.0)
METRES_PER_KM = 1000.0
# widths below this are one place
SAME_PLACE_M = 1.0


@dataclass(frozen=True, slots=True)
class Layout:
    """Places on a plane whose width is 1."""

    xy: Float64Array
    """(n, 2) from the lower left corner; the width, along which places vary most, is 1."""
    width_m: float
    """The width in metres; 0 if all places are one."""
    height: float
    """The height as a share of the width."""

    def scale_bar(self) -> tuple[float, str] | None:
        """The length of a round distance as a share of the width, and its text; None for one place."""
        if self.width_m < SAME_PLACE_M:
            return None
        longest_m = LONGEST_BAR * self.width_m
        power = 10.0 ** math.floor(math.log10(longest_m))
        bar_m = next(step * power for step in STEPS if step * power <= longest_m)
        text = f"{bar_m:g} m" if bar_m < METRES_PER_KM else f"{bar_m / METRES_PER_KM:g} km"
        return bar_m / self.width_m, text


def lay_out(distance_m: Float64Array) -> Layout:
    """The layout of places with these distances (n, n), which is the same for every turn and mirror image.

    >>> square = np.hypot(*(np.subtract.outer(axis, axis) for axis in np.array([[0, 3, 3, 0], [0, 0, 4, 4]])))
    >>> layout = lay_out(square)
    >>> round(layout.width_m, 6), layout.scale_bar()[1]
    (5.0, '2 m')
    """
    count = len(distance_m)
    centring = np.eye(count) - 1.0 / max(count, 1)
    values, vectors = np.linalg.eigh(centring @ (-0.5 * distance_m**2) @ centring)
    # the two largest; distances that were rounded leave small negative ones
    axes = vectors[:, ::-1][:, :2] * np.sqrt(np.maximum(values[::-1][:2], 0.0))
    xy = np.zeros((count, 2))
    xy[:, : axes.shape[1]] = axes
    if count:
        # the sign of an eigenvector is arbitrary: the place farthest along the axis is on its positive side
        farthest = np.argmax(np.round(np.abs(xy), 6), axis=0)
        xy *= np.where(xy[farthest, [0, 1]] < 0, -1.0, 1.0)
        xy -= xy.min(axis=0)
    width_m, height_m = (float(one) for one in xy.max(axis=0, initial=0.0))
    if width_m < SAME_PLACE_M:
        return Layout(np.zeros((count, 2)), 0.0, 0.0)
    return Layout(xy / width_m, width_m, height_m / width_m)
