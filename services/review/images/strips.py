"""The strips that cameras print into photographs: date, temperature, moon, the name of the camera.

A strip is a band of one colour along the upper or lower edge with writing in it, and ends in a line across
the whole photograph. It is found in each photograph by itself, since cameras differ; nothing is read.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from services.review.images.rendering import Pixels

# a strip takes this share of the height
LEAST, MOST = 0.015, 0.15
# this share of a row has the strip's colour although it has writing, and this share of the first row beyond
GROUND, BEYOND = 0.45, 0.3
# how far a pixel may be from that colour, and how far writing is at least, of 255
ALIKE, WRITING = 20, 60
# the share of a strip that is writing
LEAST_WRITING, MOST_WRITING = 0.003, 0.5
# columns that are looked at
COLUMNS = 400


def strip_heights(image: Pixels) -> tuple[int, int]:
    """The heights of the strips at the upper and the lower edge, pixels; 0 without one.

    >>> photograph = np.tile(np.linspace(60, 200, 300).astype(np.uint8)[:, None], (200, 1, 3))
    >>> photograph = photograph.reshape(200, 300, 3)
    >>> photograph[190:] = 0
    >>> photograph[193:197, 20:90:3] = 255
    >>> strip_heights(photograph)
    (0, 10)
    """
    step = max(1, image.shape[1] // COLUMNS)
    rows = image[:, ::step].astype(np.int16)
    top = _height(rows)
    # one strip over the whole photograph is none
    return top, _height(rows[::-1][: len(rows) - top])


def without_strips(image: Pixels) -> Pixels:
    """The photograph with its strips in their own plain colour."""
    top, bottom = strip_heights(image)
    if not top and not bottom:
        return image
    plain = np.array(image)
    height = len(plain)
    for rows in (slice(0, top), slice(height - bottom, height)):
        if rows.stop > rows.start:
            plain[rows] = np.median(image[rows], axis=(0, 1)).astype(np.uint8)
    return plain


def _height(rows: npt.NDArray[np.int16]) -> int:
    """The height of the strip at the first row, 0 without one. rows: (n, columns, 3)."""
    count = len(rows)
    most = int(MOST * count)
    edge = rows[: most + 2]
    if most < 1 or len(edge) < most + 2:
        return 0
    colour = np.median(rows[: max(1, int(LEAST * count))], axis=(0, 1))
    far = np.abs(edge - colour).max(axis=2)
    ground = (far <= ALIKE).mean(axis=1)
    height = int(np.argmax(ground < BEYOND)) if (ground < BEYOND).any() else 0
    if not LEAST * count <= height <= most or (ground[:height] < GROUND).any():
        return 0
    written = (far[:height] >= WRITING).mean()
    return height if LEAST_WRITING <= written <= MOST_WRITING else 0
