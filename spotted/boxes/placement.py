"""Where an image lies in the input of a detector, and the way back from the input to the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from spotted.arrays import FloatArray

Fit: TypeAlias = Literal["letterbox", "letterbox-corner", "stretch"]
FITS: tuple[Fit, ...] = ("letterbox", "letterbox-corner", "stretch")


@dataclass(frozen=True, slots=True)
class Placement:
    """The rectangle of an input that shows the whole image.

    >>> wide = place(400, 200, width=100, height=100, fit="letterbox")
    >>> wide
    Placement(left=0, top=25, width=100, height=50)
    >>> wide.to_fractions(np.array([[50.0, 25.0, 100.0, 75.0]])).tolist()
    [[0.5, 0.0, 0.5, 1.0]]
    """

    left: int
    """First column of the image, pixels of the input."""
    top: int
    """First row of the image, pixels of the input."""
    width: int
    """Width of the scaled image, pixels of the input."""
    height: int
    """Height of the scaled image, pixels of the input."""

    def to_fractions(self, corners: FloatArray) -> FloatArray:
        """Boxes in the input as boxes in the image.

        corners: (n, 4) left, top, right, bottom in pixels of the input.
        Returns (n, 4): x, y, width, height as fractions of the image; what lies beside it is cut off.
        """
        start = np.array([self.left, self.top], dtype=np.float64)
        size = np.array([self.width, self.height], dtype=np.float64)
        first = np.clip((corners[:, :2] - start) / size, 0.0, 1.0)
        last = np.clip((corners[:, 2:] - start) / size, 0.0, 1.0)
        return np.concatenate([first, last - first], axis=1)


def place(image_width: int, image_height: int, *, width: int, height: int, fit: Fit) -> Placement:
    """The placement of an image in an input of width x height pixels.

    fit: stretch fills the input; letterbox keeps the proportions and centres the image, letterbox-corner puts
        it into the upper left corner. Halves of a pixel are rounded up, and the thinnest image keeps a line.
    """
    if fit == "stretch":
        return Placement(0, 0, width, height)
    # the side that fills the input; whole numbers, so that the same image is placed alike on every machine
    by_width = width * image_height <= height * image_width
    size, side = (width, image_width) if by_width else (height, image_height)
    wide, high = (max((2 * size * length + side) // (2 * side), 1) for length in (image_width, image_height))
    if fit == "letterbox-corner":
        return Placement(0, 0, wide, high)
    return Placement((width - wide) // 2, (height - high) // 2, wide, high)
