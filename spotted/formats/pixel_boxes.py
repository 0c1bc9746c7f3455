"""Boxes in pixels as fractions of the upright image, whose size is read from its header."""

from __future__ import annotations

import json
import math
from pathlib import Path

from PIL import Image

from spotted.formats.image_kinds import open_image
from spotted.formats.row import Box, Row

_ORIENTATION = 0x0112
# EXIF orientations that turn an image by a quarter
_TURNED = range(5, 9)
_SHAPE = "a JSON list of x, y, width, height in pixels, such as [10, 20, 300, 200]"


def read_pixel_box(row: Row, column: str, path: Path | None) -> Box | None:
    """The box of a cell, a JSON list x, y, width, height in pixels of the upright image, clipped to it.

    None if the cell is empty or all NaN, or the image is missing; a wrong value is recorded in the row.
    """
    pixels = _numbers(row, column) if row.text(column) else None
    size = _upright_size(row, column, path) if pixels else None
    if pixels is None or size is None:
        return None
    (x, y, width, height), (wide, high) = pixels, size
    left, top = max(x, 0.0) / wide, max(y, 0.0) / high
    right, bottom = min((x + width) / wide, 1.0), min((y + height) / high, 1.0)
    if right <= left or bottom <= top:
        row.wrong(column, f"contains no pixel of its image of {wide} x {high}; write {_SHAPE}")
        return None
    return left, top, right - left, bottom - top


def upright_size(path: Path) -> tuple[int, int]:
    """Width and height of an image as people see it, from its header.

    Raises OSError or DecompressionBombError for a file that cannot be read.
    """
    with open_image(path) as image:
        wide, high = image.size
        turned = image.getexif().get(_ORIENTATION) in _TURNED
    return (high, wide) if turned else (wide, high)


def _numbers(row: Row, column: str) -> Box | None:
    try:
        x, y, width, height = (float(value) for value in json.loads(row.text(column)))
    except (ValueError, TypeError, OverflowError, RecursionError):
        row.wrong(column, f"is not a box; write {_SHAPE}")
        return None
    unknown = [math.isnan(value) for value in (x, y, width, height)]
    if all(unknown):
        return None
    if any(unknown) or not all(math.isfinite(value) for value in (x, y, width, height)):
        row.wrong(column, f"has a number that is not finite; write {_SHAPE}")
        return None
    return x, y, width, height


def _upright_size(row: Row, column: str, path: Path | None) -> tuple[int, int] | None:
    """Width and height of the upright image; None if the file does not exist."""
    if path is None or not path.is_file():
        return None
    try:
        return upright_size(path)
    except (OSError, Image.DecompressionBombError) as error:
        row.wrong(
            column, f"refers to an image that cannot be read ({error}); replace {path.name} or empty the cell"
        )
        return None
