"""Image files to upright JPEGs that hold pixels and nothing else: no EXIF, no position, no camera.

A JPEG is decoded at an eighth of its size, two eighths and so on, which skips most of the work; the nearest
of these sizes is taken as it is, because a change of size afterwards would take as long as the decoding.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image, UnidentifiedImageError

from spotted.errors import InvalidInputError, UnreadableImageError
from spotted.formats.image_kinds import CONVERTED, converted
from spotted.survey import ImageBox

Pixels = npt.NDArray[np.uint8]
# what the embedder reads
FORMATS = ("JPEG", "PNG", "WEBP")
MOST_PIXELS = 100_000_000
QUALITY = 88
# around an animal, as a share of the longer side of its box
MARGIN = 0.15
# a size from this share of the wanted one to that is taken as it is
SMALLEST, LARGEST = 0.8, 1.1
EIGHTHS = 8
EXIF_ORIENTATION, TURNED = 0x0112, frozenset({5, 6, 7, 8})
# files that no decoder reads, and those that hold something else
DAMAGED = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
Rectangle = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Size:
    """The size of an upright image, pixels."""

    width: int
    height: int


def is_converted(name: str) -> bool:
    """Whether a file of this name is converted before pictures of it are made: HEIC, AVIF and TIFF."""
    return PurePath(name).suffix.lower() in CONVERTED


def as_jpeg(content: bytes, name: str) -> bytes:
    """A photograph of such a kind as an upright JPEG. Raises UnreadableImageError that names the file."""
    try:
        return converted(io.BytesIO(content), PurePath(name).suffix, most_pixels=MOST_PIXELS)
    except InvalidInputError as error:
        raise UnreadableImageError(f"the photograph {name!r} cannot be shown: {error}") from error
    except UnidentifiedImageError as error:
        raise UnreadableImageError(
            f"the photograph {name!r} cannot be shown: it is no image of that kind"
        ) from error
    except DAMAGED as error:
        raise UnreadableImageError(f"the photograph {name!r} cannot be shown: {error}") from error


def upright_size(content: bytes) -> Size:
    """The size of an upright image, from its header. Raises UnreadableImageError."""
    with _opened(content) as image:
        return _upright_size(image)


def whole_size(content: bytes, longest: int) -> Size:
    """The size of the whole image as `rendered` returns it. Raises UnreadableImageError."""
    with _opened(content) as image:
        size = _upright_size(image)
        return _target(image, (0, 0, size.width, size.height), longest)


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


def rendered(
    content: bytes,
    *,
    part: Rectangle | None = None,
    longest: int | None = None,
    retouch: Callable[[Pixels], Pixels] | None = None,
) -> bytes:
    """A part of an upright image as a JPEG. Arguments and errors are those of `pixels`."""
    return encoded(pixels(content, part=part, longest=longest, retouch=retouch))


def pixels(
    content: bytes,
    *,
    part: Rectangle | None = None,
    longest: int | None = None,
    exact: bool = False,
    retouch: Callable[[Pixels], Pixels] | None = None,
) -> Pixels:
    """The pixels of a part of an upright image.

    longest: wanted pixels of its longer side, None for all; it has 0.8 to 1.1 times as many, and is never
    enlarged. exact: just as many. retouch: called with the whole upright image. Raises UnreadableImageError.
    """
    with _opened(content) as image:
        size = _upright_size(image)
        part = part or (0, 0, size.width, size.height)
        target = _target(image, part, longest, exact=exact)
        scale = max(target.width / (part[2] - part[0]), target.height / (part[3] - part[1]))
        try:
            upright = _turned(_decoded(image, content, scale), _orientation(image))
        except DAMAGED as error:
            raise _unreadable(error) from error
    return _fitted(retouch(upright) if retouch else upright, part, size, target)


def encoded(image: Pixels) -> bytes:
    """Pixels as a JPEG without metadata."""
    return bytes(
        simplejpeg.encode_jpeg(
            np.ascontiguousarray(image), quality=QUALITY, colorspace="RGB", colorsubsampling="420"
        )
    )


def _target(image: Image.Image, part: Rectangle, longest: int | None, *, exact: bool = False) -> Size:
    """The size in which a part of an image is shown."""
    width, height = part[2] - part[0], part[3] - part[1]
    scale = 1.0 if longest is None else longest / max(width, height)
    if scale >= 1.0:
        return Size(width, height)
    eighths = min(range(1, EIGHTHS + 1), key=lambda n: abs(n / EIGHTHS - scale))
    if not exact and _is_reducible(image) and SMALLEST <= eighths / EIGHTHS / scale <= LARGEST:
        # rounded as the decoder does
        return Size(-(-width * eighths // EIGHTHS), -(-height * eighths // EIGHTHS))
    return Size(max(1, round(width * scale)), max(1, round(height * scale)))


def _decoded(image: Image.Image, content: bytes, scale: float) -> Pixels:
    """All pixels of an image as it lies in the file, reduced to an eighth that is not below the scale."""
    if _is_reducible(image):
        eighths = min(math.ceil(scale * EIGHTHS - 1e-6), EIGHTHS)
        width, height = (-(-side * eighths // EIGHTHS) for side in image.size)
        try:
            return np.asarray(simplejpeg.decode_jpeg(content, "RGB", min_width=width, min_height=height))
        except ValueError:
            # it refuses harmless flaws too; Pillow decides on them
            image.draft("RGB", (width, height))
    return np.asarray(_rgb(image))


def _fitted(upright: Pixels, part: Rectangle, size: Size, target: Size) -> Pixels:
    """A part of an image that may be smaller than the file says, in the wanted size."""
    height, width = upright.shape[:2]
    across, down = width / size.width, height / size.height
    left, top = round(part[0] * across), round(part[1] * down)
    right, bottom = round(part[2] * across), round(part[3] * down)
    if abs(right - left - target.width) <= 1 and abs(bottom - top - target.height) <= 1:
        left, top = max(0, min(left, width - target.width)), max(0, min(top, height - target.height))
        return upright[top : top + target.height, left : left + target.width]
    cut = Image.fromarray(upright[top : max(bottom, top + 1), left : max(right, left + 1)])
    return np.asarray(cut.resize((target.width, target.height), Image.Resampling.BILINEAR))


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


def _is_reducible(image: Image.Image) -> bool:
    """Whether an image is a JPEG that can be decoded at an eighth of its size."""
    return image.format in {"JPEG", "MPO"} and image.mode in {"RGB", "L"}


def _rgb(image: Image.Image) -> Image.Image:
    """The image with 8-bit colours."""
    if image.mode.startswith("I"):
        # 16-bit samples keep their high byte, as for the embedder
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    return image.convert("RGB")


def _upright_size(image: Image.Image) -> Size:
    width, height = image.size
    return Size(height, width) if _orientation(image) in TURNED else Size(width, height)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(EXIF_ORIENTATION, 1))
    except (*DAMAGED, TypeError):
        return 1


def _turned(image: Pixels, orientation: int) -> Pixels:
    """The upright image, by the orientation of the camera (EXIF 2.32, tag 274)."""
    if orientation in TURNED:
        image = image.transpose(1, 0, 2)
    if orientation in {3, 4, 7, 8}:
        image = image[::-1]
    return image[:, ::-1] if orientation in {2, 3, 6, 7} else image


def _unreadable(error: Exception) -> UnreadableImageError:
    return UnreadableImageError(
        f"the image is damaged or of another kind than JPEG, PNG and WebP ({error}); copy it from the "
        "camera's card again"
    )
