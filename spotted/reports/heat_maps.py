"""Two photographs side by side, and below them which parts make them alike for the backbone.

The colours run from transparent over purple and orange to yellow and differ in brightness, too, so that
everyone can tell them apart, also in print.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from spotted.arrays import ByteArray, FloatArray
from spotted.reports.matched_marks import HEIGHT_PX, Box, cut_box

# share of the largest heat, red, green, blue and opacity; from dark to bright as in the scale "inferno"
SCALE = (
    (0.0, 0, 0, 40, 0),
    (0.25, 40, 20, 110, 110),
    (0.5, 190, 60, 80, 150),
    (0.75, 250, 150, 20, 170),
    (1.0, 255, 250, 160, 190),
)
LINE, LINE_PX = "#ffffff", 2


def draw_heat(
    first: tuple[bytes, Box],
    second: tuple[bytes, Box],
    shares: tuple[FloatArray, FloatArray],
    matches: Sequence[tuple[float, float, float, float]] = (),
    *,
    padded: bool = False,
) -> bytes:
    """A PNG of the crops of two image files: as they are above, with the shares of their cells below.

    shares: (rows, columns) of each crop; both have one scale, from nothing to the largest of all.
    matches: of matched cells x and y in the first grid and in the second, as fractions; joined by lines.
    padded: whether a crop keeps its proportions in the middle of its square grid.
    Raises UnreadableImageError.

    >>> with io.BytesIO() as file:
    ...     Image.new("RGB", (40, 20), "grey").save(file, "PNG")
    ...     content = file.getvalue()
    >>> heat = np.array([[0.0, 0.5], [0.0, 0.0]])
    >>> drawn = draw_heat((content, None), (content, (0.0, 0.0, 0.5, 1.0)), (heat, heat))
    >>> Image.open(io.BytesIO(drawn)).size
    (1440, 960)
    """
    crops = [cut_box(*first), cut_box(*second)]
    largest = max(float(one.max()) for one in shares)
    page = Image.new("RGB", (sum(crop.width for crop in crops), 2 * HEIGHT_PX))
    pen, left = ImageDraw.Draw(page), 0
    for crop, heat in zip(crops, shares, strict=True):
        page.paste(crop, (left, 0))
        page.paste(_heated(crop, heat, largest, padded=padded), (left, HEIGHT_PX))
        left += crop.width
    for x, y, other_x, other_y in matches:
        start = _place(crops[0], x, y, padded=padded)
        end = _place(crops[1], other_x, other_y, padded=padded)
        ends = ((start[0], HEIGHT_PX + start[1]), (crops[0].width + end[0], HEIGHT_PX + end[1]))
        pen.line(ends, fill=LINE, width=LINE_PX)
    with io.BytesIO() as file:
        page.save(file, "PNG")
        return file.getvalue()


def _heated(crop: Image.Image, heat: FloatArray, largest: float, *, padded: bool) -> Image.Image:
    """A crop without its colours, under those of its cells."""
    grey = crop.convert("L").convert("RGB")
    parts = np.clip(heat / largest, 0.0, 1.0) if largest > 0 else np.zeros_like(heat)
    grid = Image.fromarray(np.round(parts * 255).astype(np.uint8))
    across, down, left, top = _grid(crop, padded=padded)
    levels = np.asarray(grid.resize((across, down), Image.Resampling.BICUBIC), np.float64) / 255
    levels = levels[top : top + crop.height, left : left + crop.width]
    grey.paste(*_over(levels))
    return grey


def _over(levels: FloatArray) -> tuple[Image.Image, tuple[int, int], Image.Image]:
    """The colours of levels (h, w) from 0 to 1, their place, and their opacity."""
    at, *channels = np.array(SCALE).T
    red, green, blue, opacity = (np.interp(levels, at, one).astype(np.uint8) for one in channels)
    colours: ByteArray = np.stack([red, green, blue], axis=2)
    return Image.fromarray(colours), (0, 0), Image.fromarray(opacity)


def _grid(crop: Image.Image, *, padded: bool) -> tuple[int, int, int, int]:
    """Width and height of the grid in pixels of the crop, and the place of the crop in it."""
    if not padded:
        return crop.width, crop.height, 0, 0
    edge = max(crop.width, crop.height)
    return edge, edge, (edge - crop.width) // 2, (edge - crop.height) // 2


def _place(crop: Image.Image, x: float, y: float, *, padded: bool) -> tuple[float, float]:
    """A place of the grid in pixels of the crop, within it."""
    across, down, left, top = _grid(crop, padded=padded)
    return min(max(x * across - left, 0), crop.width), min(max(y * down - top, 0), crop.height)
