"""Photographs of an individual, cut out around the animal and small enough to be carried by a page."""

from __future__ import annotations

import io
from collections.abc import Iterable

from PIL import Image, ImageOps

from spotted.survey import Detection, ImageBox, Side

# longest edge, pixels: sharp at the width that a page gives it, also in print
LONGEST = 420
# surroundings of the animal, as a share of its box
AROUND = 0.15
MOST = 2


def best_photographs(detections: Iterable[Detection]) -> list[Detection]:
    """The largest photograph of each flank, or else up to two of other sides.

    >>> seen = [Detection("f", side=Side.FRONT), Detection("l", side=Side.LEFT)]
    >>> [one.detection_id for one in best_photographs(seen)]
    ['l']
    """
    ordered = sorted(detections, key=lambda d: (-_area(d.box), d.detection_id))
    flanks = [next((d for d in ordered if d.side is side), None) for side in (Side.LEFT, Side.RIGHT)]
    return [one for one in flanks if one is not None] or ordered[:MOST]


def cut_out(content: bytes, box: ImageBox | None) -> bytes:
    """The part of an encoded image that shows the animal, as a JPEG without metadata.

    Raises what Pillow raises for an image that it cannot read.
    """
    with Image.open(io.BytesIO(content)) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
    if box is not None:
        upright = upright.crop(_pixels(box, upright.size))
    upright.thumbnail((LONGEST, LONGEST))
    made = io.BytesIO()
    upright.save(made, "JPEG", quality=80)
    return made.getvalue()


def _area(box: ImageBox | None) -> float:
    return 0.0 if box is None else box.width * box.height


def _pixels(box: ImageBox, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The box with its surroundings within the image, at least one pixel wide and high."""
    across, down = (1, 1) if box.in_pixels else size
    left, right = box.x - AROUND * box.width, box.x + (1 + AROUND) * box.width
    top, bottom = box.y - AROUND * box.height, box.y + (1 + AROUND) * box.height
    x0, y0 = min(max(round(left * across), 0), size[0] - 1), min(max(round(top * down), 0), size[1] - 1)
    return (
        x0,
        y0,
        max(min(round(right * across), size[0]), x0 + 1),
        max(min(round(bottom * down), size[1]), y0 + 1),
    )
