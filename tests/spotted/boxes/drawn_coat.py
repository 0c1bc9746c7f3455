"""A drawn image, and crops of it."""

from __future__ import annotations

import numpy as np

from spotted.arrays import ByteArray
from spotted.boxes.cropping import BLACK, Box, Colour, locate


def drawn_coat() -> ByteArray:
    """A drawn coat of stripes and spots, (300, 400, 3), the same on every machine: integers only."""
    rows, columns = np.mgrid[0:300, 0:400]
    stripes = (rows * 3 + columns * columns // 50) // 23 % 2 * 90
    spots = (((rows % 60 - 30) ** 2 + (columns % 80 - 40) ** 2) < 300) * 100
    red = 40 + stripes + spots
    green = 30 + stripes * 2 // 3 + spots + rows // 6
    blue = 20 + stripes // 2 + columns // 8
    return np.stack([red, green, blue], axis=2).astype(np.uint8)


def cropped(image: ByteArray, box: Box, theta: float = 0.0, fill: Colour = BLACK) -> ByteArray:
    """The crop of an (H, W, 3) image, by the same steps as in Preprocessing."""
    height, width = image.shape[:2]
    window = locate(box, theta, width=width, height=height)
    return window.upright(image[window.rows, window.columns], fill)
