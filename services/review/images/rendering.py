"""Image files to upright JPEGs that hold pixels and nothing else: no EXIF, no position, no camera."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image, ImageOps

from spotted.errors import UnreadableImageError
from spotted.survey import ImageBox

# what the embedder reads
FORMATS = ("JPEG", "PNG", "WEBP")
MOST_PIXELS = 100_000_000
QUALITY = 88
# around an animal, as a share of the longer side of its box
MARGIN = 0.15
EXIF_ORIENTATION, TURNED = 0x0112, frozenset({5, 6, 7, 8})
# files that no decoder reads, and those that hold something else
DAMAGED = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
Rectangle = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Size:
    """The size of an upright image, pixels."""

    width: int
    height: int


def upright_size(content: bytes) -> Size:
    """The size of an upright image, from its header. Raises UnreadableImageError."""
    with _opened(content) as image:
        width, height = image.size
        return Size(height, width) if _is_turned(image) else Size(width, height)


def fractions(box: ImageBox | None, size: Size) -> ImageBox | None:
    """A box in fractions of the image; None for the whole image."""
    if box is None or not box.in_pixels:
        return box
    return ImageBox(box.x / size.width, box.y / size.height, box.width / size.width, box.height / size.height)


def around(box: ImageBox | None, size: Size) -> Rectangle:
    """The pixels of a box with a margin, inside the image; all pixels without a box."""
    part = fractions(box, size)
    if part is None:
        return 0, 0, size.width, size.height
    left, top = part.x * size.width, part.y * size.height
    width, height = part.width * size.width, part.height * size.height
    margin = MARGIN * max(width, height)
    right, bottom = min(left + width + margin, size.width), min(top + height + margin, size.height)
    left, top = max(left - margin, 0.0), max(top - margin, 0.0)
    if right - left < 1 or bottom - top < 1:
        return 0, 0, size.width, size.height
    return int(left), int(top), max(round(right), int(left) + 1), max(round(bottom), int(top) + 1)


def rendered(content: bytes, *, part: Rectangle | None = None, longest: int | None = None) -> bytes:
    """A part of an upright image as a JPEG. longest: most pixels of its longer side; None for all.

    Raises UnreadableImageError.
    """
    return encoded(pixels(content, part=part, longest=longest))


def pixels(content: bytes, *, part: Rectangle | None = None, longest: int | None = None) -> Image.Image:
    """The pixels of a part of an upright image. Arguments and errors are those of `rendered`."""
    size = upright_size(content)
    part = part or (0, 0, size.width, size.height)
    with _opened(content) as image:
        try:
            scale = 1.0 if longest is None else longest / max(part[2] - part[0], part[3] - part[1])
            if scale < 1.0:
                # a JPEG is decoded at the next larger eighth of its size, in a fraction of the time
                image.draft("RGB", (max(1, round(image.width * scale)), max(1, round(image.height * scale))))
            upright = ImageOps.exif_transpose(_rgb(image))
        except DAMAGED as error:
            raise _unreadable(error) from error
    # a draft rounds up: the part is that of the size it has now
    across, down = upright.width / size.width, upright.height / size.height
    left, top, right, bottom = part[0] * across, part[1] * down, part[2] * across, part[3] * down
    if scale >= 1.0:
        return upright.crop((round(left), round(top), round(right), round(bottom)))
    target = (max(1, round((part[2] - part[0]) * scale)), max(1, round((part[3] - part[1]) * scale)))
    return upright.resize(target, Image.Resampling.BILINEAR, box=(left, top, right, bottom))


def encoded(image: Image.Image) -> bytes:
    """Pixels as a JPEG without metadata."""
    clean = Image.new("RGB", image.size)
    clean.paste(image)
    written = io.BytesIO()
    clean.save(written, "JPEG", quality=QUALITY, progressive=False)
    return written.getvalue()


def _opened(content: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except DAMAGED as error:
        raise _unreadable(error) from error
    if image.width * image.height > MOST_PIXELS:
        raise UnreadableImageError(
            f"the image has {image.width} x {image.height} pixels; at most {MOST_PIXELS:,} are shown"
        )
    return image


def _rgb(image: Image.Image) -> Image.Image:
    """The image with 8-bit colours; its EXIF stays until it is upright."""
    if image.mode == "RGB":
        return image
    exif = image.info.get("exif")
    if image.mode.startswith("I"):
        # 16-bit samples keep their high byte, as for the embedder
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    converted = image.convert("RGB")
    if exif is not None:
        converted.info["exif"] = exif
    return converted


def _is_turned(image: Image.Image) -> bool:
    try:
        return image.getexif().get(EXIF_ORIENTATION) in TURNED
    except DAMAGED:
        return False


def _unreadable(error: Exception) -> UnreadableImageError:
    return UnreadableImageError(f"the image is damaged or of another kind than JPEG, PNG and WebP ({error})")
