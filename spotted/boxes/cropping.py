"""The part of an image that shows the animal: a box, upright or turned about its centre.

Theta has the meaning that it has in Wildbook: the box as drawn is turned by theta radians about its centre,
clockwise on the screen if theta is positive, and its content is turned back, so that the crop is upright.
As in Wildbook, a turn of less than 0.1 rad is ignored. The centre is exact here, while Wildbook rounds it
down to a pixel; the two differ by less than a pixel.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from spotted.arrays import BoolArray, ByteArray
from spotted.errors import UnreadableImageError

Colour = tuple[int, int, int]

BLACK: Colour = (0, 0, 0)
# smaller turns are ignored, as in Wildbook
LEAST_THETA = 0.1
# error of a fraction of 1 after conversion to float32 or decimal text and back
ROUNDING = 1e-6
# largest area of a turned box over that of the image: 1 suffices inside it, a little more over its edge
LARGEST_TURNED = 1.25
# pixels; a larger box is reduced by a whole factor before it is turned, and still exceeds any input
MOST_TURNED = 16_000_000
# level from which an interpolated pixel of a mask counts
HALF = 128
# pixels around a turned box: bilinear interpolation reads the next one, and rounding may add another
REACH = 2


@dataclass(frozen=True, slots=True)
class PixelBox:
    """A rectangle in pixels of the upright image, origin top left.

    >>> locate(PixelBox(10, 20, 30, 40), 0.0, width=100, height=50)
    CropWindow(rows=slice(20, 50, None), columns=slice(10, 40, None), turn=None)
    """

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class FractionBox:
    """A rectangle as fractions of the upright image (Camtrap DP bboxX, bboxY, bboxWidth, bboxHeight).

    >>> locate(FractionBox(0.5, 0.0, 0.5, 1.0), 0.0, width=100, height=50).columns
    slice(50, 100, None)
    """

    x: float
    y: float
    width: float
    height: float


Box = PixelBox | FractionBox


@dataclass(frozen=True, slots=True)
class Turn:
    """A turned rectangle inside a window of an image."""

    reduction: int
    """Divisor of both sides of the window, applied first."""
    width: int
    """Width of the rectangle set upright, pixels."""
    height: int
    """Height of the rectangle set upright, pixels."""
    affine: tuple[float, float, float, float, float, float]
    """(a, b, c, d, e, f): point (x, y) of the rectangle is (a x + b y + c, d x + e y + f) of the window."""

    def turned(self, window: ByteArray, fill: Colour | int) -> ByteArray:
        """The rectangle set upright, from (H, W, 3) pixels or (H, W) levels, interpolated bilinearly."""
        source = Image.fromarray(np.ascontiguousarray(window)).reduce(self.reduction)
        size = self.width, self.height
        how = Image.Transform.AFFINE, self.affine, Image.Resampling.BILINEAR
        return np.asarray(source.transform(size, *how, fillcolor=fill))


@dataclass(frozen=True, slots=True)
class CropWindow:
    """The part of an image that holds a crop: rows, columns, and how to turn them."""

    rows: slice
    columns: slice
    turn: Turn | None = None
    """None: the crop is upright."""

    def upright(self, window: ByteArray, fill: Colour = BLACK) -> ByteArray:
        """The crop, from the (H, W, 3) pixels of the window; the area outside the image gets `fill`.

        An upright crop is a view. A turned one is interpolated bilinearly and has the size of the box,
        divided by the reduction.
        """
        return window if self.turn is None else self.turn.turned(window, fill)

    def upright_mask(self, mask: BoolArray) -> BoolArray:
        """The mask (h, w) of the crop, from that of the window; nothing outside the image is in it."""
        if self.turn is None:
            return mask
        return self.turn.turned(mask.astype(np.uint8) * np.uint8(255), 0) >= HALF


def locate(box: Box, theta: float, *, width: int, height: int) -> CropWindow:
    """The window of a box, turned by theta radians, in an image of width x height pixels.

    An upright window has its edges at the nearest pixels and is clipped to the image.
    Raises UnreadableImageError if box or theta is not finite, the box has no area or lies outside the image,
    or a turned box covers more than 1.25 times the image.
    """
    _check_area(box, theta)
    across, down = (width, height) if isinstance(box, FractionBox) else (1, 1)
    pixels = PixelBox(box.x * across, box.y * down, box.width * across, box.height * down)
    turned = abs(theta) >= LEAST_THETA
    window = _turned(pixels, theta, width, height) if turned else _straight(pixels, width, height)
    if window is None:
        raise UnreadableImageError(
            f"{box} lies outside the image of {width} x {height} pixels; "
            "boxes refer to the image after its EXIF orientation"
        )
    return window


def _check_area(box: Box, theta: float) -> None:
    if not all(map(math.isfinite, (box.x, box.y, box.width, box.height))):
        raise UnreadableImageError(f"{box} is not finite; send four finite numbers, or no box")
    if not math.isfinite(theta):
        raise UnreadableImageError(f"theta {theta} is not finite; send radians, or 0 for an upright box")
    if box.width <= 0 or box.height <= 0:
        raise UnreadableImageError(f"{box} has no area; width and height must be above 0")
    if isinstance(box, FractionBox) and max(box.width, box.height) > 1 + ROUNDING:
        raise UnreadableImageError(f"{box} is wider or higher than 1; send pixels as a PixelBox")


def _straight(box: PixelBox, width: int, height: int) -> CropWindow | None:
    right, bottom = box.x + box.width, box.y + box.height
    if box.x >= width or box.y >= height or right <= 0 or bottom <= 0:
        return None
    return CropWindow(_edges(box.y, bottom, height), _edges(box.x, right, width))


def _edges(start: float, end: float, length: int) -> slice:
    # clip before rounding: the edges of a finite box may overflow to infinity
    first = min(round(max(start, 0.0)), length - 1)
    return slice(first, max(round(min(end, length)), first + 1))


def _turned(box: PixelBox, theta: float, width: int, height: int) -> CropWindow | None:
    wide, high = max(round(box.width), 1), max(round(box.height), 1)
    if wide * high > LARGEST_TURNED * width * height:
        raise UnreadableImageError(
            f"{box} turned by {theta} rad covers more than {LARGEST_TURNED} times the image of {width} x "
            f"{height} pixels; draw it around the animal"
        )
    cosine, sine = math.cos(theta), math.sin(theta)
    centre_x, centre_y = box.x + box.width / 2, box.y + box.height / 2
    # half the sides of the smallest upright rectangle around it
    half_x = (abs(box.width * cosine) + abs(box.height * sine)) / 2
    half_y = (abs(box.width * sine) + abs(box.height * cosine)) / 2
    columns, rows = _reach(centre_x, half_x, width), _reach(centre_y, half_y, height)
    if columns is None or rows is None or _beside(box, theta, width, height):
        return None
    corner_x = centre_x - (wide * cosine - high * sine) / 2 - columns.start
    corner_y = centre_y - (wide * sine + high * cosine) / 2 - rows.start
    reduction = math.ceil(math.sqrt(wide * high / MOST_TURNED))
    affine = (cosine, -sine, corner_x / reduction, sine, cosine, corner_y / reduction)
    return CropWindow(
        rows, columns, Turn(reduction, max(wide // reduction, 1), max(high // reduction, 1), affine)
    )


def _reach(centre: float, half: float, length: int) -> slice | None:
    if centre - half >= length or centre + half <= 0:
        return None
    first = max(math.floor(centre - half) - REACH, 0)
    return slice(min(first, length - 1), min(math.ceil(centre + half) + REACH, length))


def _beside(box: PixelBox, theta: float, width: int, height: int) -> bool:
    """Whether all corners of the image lie beyond one side of the turned box."""
    cosine, sine = math.cos(theta), math.sin(theta)
    across, along = [], []
    for corner_x, corner_y in ((0, 0), (width, 0), (0, height), (width, height)):
        x, y = corner_x - box.x - box.width / 2, corner_y - box.y - box.height / 2
        across.append(x * cosine + y * sine)
        along.append(y * cosine - x * sine)
    half_x, half_y = box.width / 2, box.height / 2
    return max(across) <= -half_x or min(across) >= half_x or max(along) <= -half_y or min(along) >= half_y
