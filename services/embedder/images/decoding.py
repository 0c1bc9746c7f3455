"""Image files to upright 8-bit RGB pixels.

JPEG, PNG and WebP are read. Grey is repeated over the three channels; CMYK is converted as in Pillow, without
colour profiles; 16-bit samples keep their high byte; transparent pixels are laid over black; an animation is
read as its first frame; a JPEG may lack its end marker, but no pixel. All of these rules are part of
`Preprocessing.digest`.

Decoding n pixels takes at most 24 n bytes of memory; a transparent WebP takes the most.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import enum
import io
import struct
from typing import TypeGuard

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image, ImageFile, WebPImagePlugin

from services.embedder.images.headers import (
    MAX_PIXELS,
    Header,
    JpegFile,
    check_size,
    damage_reported,
    read_header,
)

ByteArray = npt.NDArray[np.uint8]

EXIF_ORIENTATION = 0x0112
# how libjpeg names pixels that are missing; Pillow would fill them with grey
MISSING_PIXELS = "premature end"
# the end marker of a JPEG; some cameras and copies lose it, with every pixel before it
END_OF_IMAGE = b"\xff\xd9"
EXIF_SHORT = 3
# orientations whose rows are columns of the file
SWAPPED = frozenset({5, 6, 7, 8})
UPRIGHT = 1


class Decoding(enum.Enum):
    """How JPEG files are decoded."""

    EXACT = "exact"
    """All pixels."""
    FAST = "fast"
    """At a part of the size, if the box has many more pixels than the input of the backbone."""


def decode(
    content: bytes, *, max_pixels: int = MAX_PIXELS, reduction: int = 1, header: Header | None = None
) -> ByteArray:
    """The upright (height, width, 3) uint8 RGB pixels of a JPEG, PNG or WebP file.

    header: that of the file, if it was read before; it is used once.
    reduction: 1, 2, 4 or 8, divisor of both sides (rounded up); above 1 only for files with `upright_size`.
    Raises UnreadableImageError if the file has another format, is damaged or truncated, or has more than
    max_pixels pixels; the size is read from the header, before memory is allocated.
    """
    with damage_reported():
        image = _open(content, header or read_header(content, max_pixels=max_pixels), max_pixels)
        pixels = _pixels(image, content, reduction)
    return _upright(pixels, _orientation(image.info.get("exif", b"")))


def upright_size(content: bytes, *, max_pixels: int = MAX_PIXELS) -> tuple[int, int] | None:
    """Width and height of a JPEG that can be decoded at a part of its size; None for other files.

    Raises UnreadableImageError as `decode` does for a header.
    """
    with damage_reported():
        image = read_header(content, max_pixels=max_pixels).image
    if not _is_plain(image):
        return None
    width, height = image.size
    swapped = _orientation(image.info.get("exif", b"")) in SWAPPED
    return (height, width) if swapped else (width, height)


def _open(content: bytes, header: Header, max_pixels: int) -> ImageFile.ImageFile:
    # Pillow allocates memory for the whole picture when it opens a WebP, so its header is read first
    if header.image is not None:
        return header.image
    image = WebPImagePlugin.WebPImageFile(io.BytesIO(content))
    check_size(*image.size, max_pixels)
    return image


def _is_plain(image: ImageFile.ImageFile | None) -> TypeGuard[JpegFile]:
    return isinstance(image, JpegFile) and image.mode in {"RGB", "L"}


def _pixels(image: ImageFile.ImageFile, content: bytes, reduction: int) -> ByteArray:
    if _is_plain(image):
        try:
            height, width = simplejpeg.decode_jpeg_header(content)[:2]
            # a damaged file may hold two headers; the checked size is the one that Pillow read
            if (width, height) == image.size:
                least = -(-height // reduction), -(-width // reduction)
                # the same pixels as from Pillow, in less than half the time
                return np.asarray(simplejpeg.decode_jpeg(_ended(content), "RGB", False, False, *least))
        except ValueError as error:
            # it refuses harmless flaws too, such as stray bytes between segments; let Pillow decide on them
            if MISSING_PIXELS in str(error).lower():
                raise
    whole = _as_rgb(image)
    return np.asarray(whole if reduction == 1 else whole.reduce(reduction))


def _ended(content: bytes) -> bytes:
    """A JPEG with an end marker; the decoder still refuses one that lacks pixels."""
    return content if content.endswith(END_OF_IMAGE) else content + END_OF_IMAGE


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        layer = image if image.mode == "RGBA" else image.convert("RGBA")
        ground = Image.new("RGB", layer.size)
        ground.paste(layer, mask=layer)
        return ground
    # a conversion to the same mode would copy the pixels
    return image if image.mode == "RGB" else image.convert("RGB")


def _orientation(exif: bytes) -> int:
    """The orientation in an EXIF block, 1 to 8; upright if the block is absent or damaged."""
    tiff = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return UPRIGHT
    try:
        (start,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, start)
        for entry in range(count):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", tiff, start + 2 + 12 * entry)
            if tag == EXIF_ORIENTATION and kind == EXIF_SHORT:
                return int(value)
    except struct.error:
        return UPRIGHT
    return UPRIGHT


def _upright(pixels: ByteArray, orientation: int) -> ByteArray:
    """Undo an EXIF orientation: 5 to 8 swap the axes, then rows and columns may be mirrored."""
    if orientation in SWAPPED:
        pixels = pixels.swapaxes(0, 1)
    if orientation in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    if orientation in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    return pixels
