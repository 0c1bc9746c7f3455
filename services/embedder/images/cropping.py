"""The part of an image that shows the animal: a box, upright or turned about its centre.

Theta has Wildbook's meaning: the box as drawn is turned by theta radians about its centre, clockwise on
the screen where theta is positive, and what is inside is turned back, so that the animal stands as the
box did. As in Wildbook, a turn of less than 0.1 rad counts as none. Unlike Wildbook, which rounds the
centre down to a pixel, ours is exact; the two differ by less than a pixel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from services.embedder.images.decoding import ByteArray
from spotted.errors import UnreadableImageError

Colour = tuple[int, int, int]

BLACK: Colour = (0, 0, 0)
# Wildbook's rule
LEAST_THETA = 0.1
# a fraction of 1 that went through float32 or decimal text and back
ROUNDING = 1e-6
# no turned box inside an image exceeds its area, and some stick out; more only takes memory
LARGEST_TURNED = 1.25
# a larger box is reduced by a whole number before it is turned, to still far more than a backbone reads
MOST_TURNED = 16_000_000
# bilinear interpolation reads the next pixel, and rounding may move by one more
REACH = 2


@dataclass(frozen=True, slots=True)
class PixelBox:
    """A rectangle in pixels of the upright image, origin top left."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class FractionBox:
    """A rectangle as fractions of the upright image (Camtrap DP bboxX, bboxY, bboxWidth, bboxHeight)."""

    x: float
    y: float
    width: float
    height: float


Box = PixelBox | FractionBox


@dataclass(frozen=True, slots=True)
class Turn:
    """A turned rectangle inside a window of an image.

    reduction: by how much both sides of the window are divided first.
    width, height: of the rectangle set upright, pixels.
    affine: (a, b, c, d, e, f); its point (x, y) lies at (a x + b y + c, d x + e y + f) of the window.
    """

    reduction: int
    width: int
    height: int
    affine: tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class Place:
    """Where in an image the pixels of a crop are: a window of rows and columns, and how to turn it."""

    rows: slice
    columns: slice
    turn: Turn | None = None

    def upright(self, window: ByteArray, fill: Colour = BLACK) -> ByteArray:
        """The crop, from the (H, W, 3) pixels of the window; what lies outside the image gets `fill`."""
        if self.turn is None:
            return window
        size = self.turn.width, self.turn.height
        source = Image.fromarray(np.ascontiguousarray(window)).reduce(self.turn.reduction)
        turned = source.transform(
            size,
            Image.Transform.AFFINE,
            self.turn.affine,
            Image.Resampling.BILINEAR,
            fillcolor=fill,
        )
        return np.asarray(turned)


def crop(image: ByteArray, box: Box, theta: float = 0.0, fill: Colour = BLACK) -> ByteArray:
    """The part of an (H, W, 3) image inside a box that is turned by theta radians, set upright.

    Without a turn the edges are at the nearest pixels, clipped to the image: a view of it. With one, the
    crop has the box's whole size (less where that exceeds MOST_TURNED), is interpolated bilinearly, and
    gets `fill` outside the image.
    Raises UnreadableImageError as `locate` does.
    """
    height, width = image.shape[:2]
    place = locate(box, theta, width=width, height=height)
    return place.upright(image[place.rows, place.columns], fill)


def locate(box: Box, theta: float, *, width: int, height: int) -> Place:
    """Where a box is in an image of width x height pixels.

    Raises UnreadableImageError where box or theta is not finite, the box has no area or lies wholly
    outside, or a turned one covers over 1.25 times the image.
    """
    _check_area(box, theta)
    across, down = (width, height) if isinstance(box, FractionBox) else (1, 1)
    pixels = PixelBox(box.x * across, box.y * down, box.width * across, box.height * down)
    turned = abs(theta) >= LEAST_THETA
    found = _turned(pixels, theta, width, height) if turned else _straight(pixels, width, height)
    if found is None:
        raise UnreadableImageError(
            f"{box} lies outside the image of {width} x {height} pixels; "
            "boxes refer to the image after its EXIF orientation"
        )
    return found


def _check_area(box: Box, theta: float) -> None:
    if not all(map(math.isfinite, (box.x, box.y, box.width, box.height))):
        raise UnreadableImageError(f"{box} is not finite; send four numbers, or no box")
    if not math.isfinite(theta):
        raise UnreadableImageError(f"theta {theta} is not finite; send radians, or 0 for an upright box")
    if box.width <= 0 or box.height <= 0:
        raise UnreadableImageError(f"{box} has no area; width and height must be above 0")
    if isinstance(box, FractionBox) and max(box.width, box.height) > 1 + ROUNDING:
        raise UnreadableImageError(f"{box} is wider or higher than 1; send pixels as a PixelBox")


def _straight(box: PixelBox, width: int, height: int) -> Place | None:
    right, bottom = box.x + box.width, box.y + box.height
    if box.x >= width or box.y >= height or right <= 0 or bottom <= 0:
        return None
    return Place(_edges(box.y, bottom, height), _edges(box.x, right, width))


def _edges(start: float, end: float, length: int) -> slice:
    # clipped before it is rounded: a finite box may still reach to infinity
    first = min(round(max(start, 0.0)), length - 1)
    return slice(first, max(round(min(end, length)), first + 1))


def _turned(box: PixelBox, theta: float, width: int, height: int) -> Place | None:
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
    by = math.ceil(math.sqrt(wide * high / MOST_TURNED))
    affine = (cosine, -sine, corner_x / by, sine, cosine, corner_y / by)
    return Place(rows, columns, Turn(by, max(wide // by, 1), max(high // by, 1), affine))


def _reach(centre: float, half: float, length: int) -> slice | None:
    if centre - half >= length or centre + half <= 0:
        return None
    first = max(math.floor(centre - half) - REACH, 0)
    return slice(min(first, length - 1), min(math.ceil(centre + half) + REACH, length))


def _beside(box: PixelBox, theta: float, width: int, height: int) -> bool:
    """True where all corners of the image lie beyond one side of the turned box."""
    cosine, sine = math.cos(theta), math.sin(theta)
    across, along = [], []
    for corner_x, corner_y in ((0, 0), (width, 0), (0, height), (width, height)):
        x, y = corner_x - box.x - box.width / 2, corner_y - box.y - box.height / 2
        across.append(x * cosine + y * sine)
        along.append(y * cosine - x * sine)
    half_x, half_y = box.width / 2, box.height / 2
    return max(across) <= -half_x or min(across) >= half_x or max(along) <= -half_y or min(along) >= half_y
