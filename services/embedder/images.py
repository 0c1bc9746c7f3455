"""Image files to the pixels that a backbone reads.

JPEG, PNG and WebP become upright 8-bit RGB. Grey is repeated over the three channels; CMYK is converted
as Pillow does, without colour profiles; of 16 bits the high byte is kept; transparent parts are laid over
black; of an animation the first frame counts. All of it is ours, and part of `Preprocessing.digest`.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from spotted.errors import UnreadableImageError

ByteArray = npt.NDArray[np.uint8]

# the largest camera-trap frames have 40 megapixels; decoded, this many take 192 MB
MAX_PIXELS = 64_000_000
MEGA = 1e6
# a fraction of 1 that went through float32 or decimal text and back
ROUNDING = 1e-6
EXIF_ORIENTATION = 0x0112
EXIF_SHORT = 3
UPRIGHT = 1


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
class Preprocessing:
    """How bytes become model input; vectors compare only where the digest is the same.

    size: edge of the square input, pixels. The box is stretched to it, its aspect ratio is not kept.
    """

    size: int

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the canonical JSON of everything that changes the pixels."""
        description = {
            "version": 1,
            "decode": "RGB, 8 bit, full size, accurate DCT, smooth chroma, no colour profile",
            "alpha": "over black",
            "sixteen_bit": "high byte",
            "exif_orientation": "applied",
            "crop": "edges to the nearest pixel, clipped, at least one pixel",
            "resize": "Pillow bilinear, antialiased",
            "aspect": "stretched",
            "size": self.size,
        }
        text = json.dumps(description, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def apply(self, content: bytes, box: Box | None = None, *, max_pixels: int = MAX_PIXELS) -> ByteArray:
        """The (size, size, 3) uint8 model input of an image file, or of the part inside a box.

        Raises UnreadableImageError as `decode` and `crop` do.
        """
        image = decode(content, max_pixels=max_pixels)
        return resize(image if box is None else crop(image, box), self.size)


def decode(content: bytes, *, max_pixels: int = MAX_PIXELS) -> ByteArray:
    """The upright (height, width, 3) uint8 RGB pixels of a JPEG, PNG or WebP file.

    Raises UnreadableImageError where the file is something else, damaged, cut short, or has more than
    max_pixels pixels; the last is known from its header, before memory is taken.
    """
    try:
        image = _open(content, max_pixels)
        pixels = _pixels(image, content)
    # what Pillow raises for files that are cut short or damaged, each somewhere
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error) as error:
        raise UnreadableImageError(
            f"the image is damaged or cut short ({error}); send the file again as the camera wrote it"
        ) from error
    return _upright(pixels, _orientation(image.info.get("exif", b"")))


def crop(image: ByteArray, box: Box) -> ByteArray:
    """The part of an (H, W, 3) image inside a box, its edges at the nearest pixels, clipped to the image.

    Raises UnreadableImageError where the box is not finite, has no area, or lies wholly outside.
    """
    height, width = image.shape[:2]
    _check_area(box)
    across, down = (width, height) if isinstance(box, FractionBox) else (1, 1)
    left, right = box.x * across, (box.x + box.width) * across
    top, bottom = box.y * down, (box.y + box.height) * down
    if left >= width or top >= height or right <= 0 or bottom <= 0:
        raise UnreadableImageError(
            f"{box} lies outside the image of {width} x {height} pixels; "
            "boxes refer to the image after its EXIF orientation"
        )
    columns, rows = _edges(left, right, width), _edges(top, bottom, height)
    return image[rows, columns]


def resize(image: ByteArray, size: int) -> ByteArray:
    """An (H, W, 3) image stretched to (size, size, 3) by Pillow's antialiased bilinear kernel.

    The kernel is part of the model: another one moves embeddings to a cosine of 0.87 to 0.98.
    """
    source = Image.fromarray(np.ascontiguousarray(image))
    return np.asarray(source.resize((size, size), Image.Resampling.BILINEAR))


def _open(content: bytes, max_pixels: int) -> ImageFile.ImageFile:
    # the classes are called by name: Image.open would try every format and has its own size limit
    stream = io.BytesIO(content)
    if content.startswith(b"\xff\xd8\xff"):
        image: ImageFile.ImageFile = JpegImagePlugin.JpegImageFile(stream)
    elif content.startswith(b"\x89PNG\r\n\x1a\n"):
        image = PngImagePlugin.PngImageFile(stream)
    elif content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        # Pillow takes memory for the whole picture as it opens a WebP
        _check_size(*_webp_size(content), max_pixels)
        image = WebPImagePlugin.WebPImageFile(stream)
    else:
        raise UnreadableImageError(
            f"not a JPEG, PNG or WebP image ({len(content)} bytes beginning with {content[:8]!r}); "
            "send the encoded file"
        )
    _check_size(*image.size, max_pixels)
    return image


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise UnreadableImageError(
            f"the image has {width} x {height} pixels ({width * height / MEGA:.1f} megapixels), more than "
            f"the {max_pixels / MEGA:.1f} allowed; send it smaller, or only the part with the animal"
        )


def _webp_size(content: bytes) -> tuple[int, int]:
    """Width and height from the first chunk of a WebP file (RFC 9649, sections 2.5 to 2.7)."""
    kind = content[12:16]
    if kind == b"VP8X":
        low_w, high_w, low_h, high_h = struct.unpack_from("<HBHB", content, 24)
        return (low_w | high_w << 16) + 1, (low_h | high_h << 16) + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", content, 26)
    return width & 0x3FFF, height & 0x3FFF


def _pixels(image: ImageFile.ImageFile, content: bytes) -> ByteArray:
    if isinstance(image, JpegImagePlugin.JpegImageFile) and image.mode in {"RGB", "L"}:
        try:
            # the same pixels as Pillow's in less than half the time
            return np.asarray(simplejpeg.decode_jpeg(content, colorspace="RGB"))
        except ValueError:
            # it refuses harmless flaws, such as stray bytes between segments; Pillow judges
            pass
    return np.asarray(_as_rgb(image))


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, (0, 0, 0, 255)), layer).convert("RGB")
    return image.convert("RGB")


def _orientation(exif: bytes) -> int:
    """The orientation in an EXIF block, 1 to 8; upright where the block is absent or damaged."""
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
    """Undo an EXIF orientation: 5 to 8 swap the axes first, then rows and columns may be mirrored."""
    if orientation in {5, 6, 7, 8}:
        pixels = pixels.swapaxes(0, 1)
    if orientation in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    if orientation in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    return pixels


def _check_area(box: Box) -> None:
    if not all(map(math.isfinite, (box.x, box.y, box.width, box.height))):
        raise UnreadableImageError(f"{box} is not finite; send four numbers, or no box")
    if box.width <= 0 or box.height <= 0:
        raise UnreadableImageError(f"{box} has no area; width and height must be above 0")
    if isinstance(box, FractionBox) and max(box.width, box.height) > 1 + ROUNDING:
        raise UnreadableImageError(f"{box} is wider or higher than 1; send pixels as a PixelBox")


def _edges(start: float, end: float, length: int) -> slice:
    # clipped before it is rounded: a finite box may still reach to infinity
    first = min(round(max(start, 0.0)), length - 1)
    return slice(first, max(round(min(end, length)), first + 1))
