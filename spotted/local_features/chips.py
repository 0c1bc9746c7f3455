"""Chips: the crop of a detection at the size at which a method looks at it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from spotted.arrays import BoolArray, ByteArray
from spotted.errors import InvalidInputError


def make_chip(picture: ByteArray, longest_px: int, *, enlarged: bool = True) -> ByteArray:
    """The picture (h, w, 3), scaled so that its longest side has `longest_px` pixels.

    enlarged: whether a smaller picture is enlarged; otherwise it stays as it is.
    """
    if picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:  # noqa: PLR2004 - height, width, colours
        raise InvalidInputError(f"a picture has the shape (height, width, 3), not {picture.shape}")
    height, width = picture.shape[:2]
    share = longest_px / max(height, width)
    if not enlarged:
        share = min(share, 1.0)
    size = (max(1, round(width * share)), max(1, round(height * share)))
    # area averages when pixels are lost, Lanczos when they are made up
    kernel = cv2.INTER_AREA if share < 1.0 else cv2.INTER_LANCZOS4
    return np.asarray(cv2.resize(np.ascontiguousarray(picture), size, interpolation=kernel), dtype=np.uint8)


def in_mask(mask: BoolArray, point: Sequence[float], size: tuple[int, int]) -> bool:
    """Whether a point (x, y) of a chip of `size` (width, height) lies in the mask (h, w) of its picture."""
    height, width = mask.shape
    row, column = (
        int(share * count) for share, count in ((point[1] / size[1], height), (point[0] / size[0], width))
    )
    return bool(mask[min(max(row, 0), height - 1), min(max(column, 0), width - 1)])
