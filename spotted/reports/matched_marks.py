"""Two photographs side by side, with a line between the two places of each matched mark."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageOps

from spotted.errors import UnreadableImageError

HEIGHT_PX = 480
DOT_PX = 4
# of good contrast on fur, in turn
COLOURS = ("#ffd400", "#00c2ff", "#ff5a5f", "#7cff6b")
# x, y, width, height as fractions of the upright image; None: all of it
Box = tuple[float, float, float, float] | None


def draw_marks(
    first: tuple[bytes, Box], second: tuple[bytes, Box], points: Sequence[tuple[float, float, float, float]]
) -> bytes:
    """A PNG of the crops of two image files.

    points: of each mark x and y in the first crop and in the second, as fractions of the crop.
    Raises UnreadableImageError.

    >>> with io.BytesIO() as file:
    ...     Image.new("RGB", (40, 20), "grey").save(file, "PNG")
    ...     content = file.getvalue()
    >>> drawn = draw_marks((content, None), (content, (0.0, 0.0, 0.5, 1.0)), [(0.5, 0.5, 0.25, 0.5)])
    >>> Image.open(io.BytesIO(drawn)).size
    (1440, 480)
    """
    left, right = cut_box(*first), cut_box(*second)
    page = Image.new("RGB", (left.width + right.width, HEIGHT_PX))
    page.paste(left, (0, 0))
    page.paste(right, (left.width, 0))
    pen = ImageDraw.Draw(page)
    for number, (x, y, other_x, other_y) in enumerate(points):
        ends = (
            (x * left.width, y * HEIGHT_PX),
            (left.width + other_x * right.width, other_y * HEIGHT_PX),
        )
        colour = COLOURS[number % len(COLOURS)]
        pen.line(ends, fill=colour, width=1)
        for at_x, at_y in ends:
            pen.ellipse((at_x - DOT_PX, at_y - DOT_PX, at_x + DOT_PX, at_y + DOT_PX), outline=colour, width=2)
    with io.BytesIO() as file:
        page.save(file, "PNG")
        return file.getvalue()


def cut_box(content: bytes, box: Box) -> Image.Image:
    """The box of an image file, scaled to the height of the page. Raises UnreadableImageError."""
    try:
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")
    except (OSError, ValueError) as error:
        raise UnreadableImageError(f"a photograph cannot be read ({error}); use another file") from error
    x, y, width, height = box or (0.0, 0.0, 1.0, 1.0)
    edges = (x * image.width, y * image.height, (x + width) * image.width, (y + height) * image.height)
    part = image.crop(tuple(round(edge) for edge in edges))  # type: ignore[arg-type] # four edges
    return part.resize((max(1, round(part.width * HEIGHT_PX / max(part.height, 1))), HEIGHT_PX))
