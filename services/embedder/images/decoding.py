"""Image files to upright 8-bit RGB pixels.

JPEG, PNG and WebP are read. Grey is repeated over the three channels; CMYK is converted as Pillow does,
without colour profiles; of 16 bits the high byte is kept; transparent parts are laid over black; of an
animation the first frame counts. All of it is ours, and part of `Preprocessing.digest`.

Decoding n pixels takes at most 24 n bytes of memory, the most where a WebP is transparent.
"""

from __future__ import annotations

import io
import struct

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from spotted.errors import UnreadableImageError

ByteArray = npt.NDArray[np.uint8]

# the largest camera-trap frames have 40 megapixels; decoded, this many take 192 MB
MAX_PIXELS = 64_000_000
# each scan of a progressive file is a pass over all pixels; usual ones have 10, and this takes some seconds
MAX_SCANNED = 10 * MAX_PIXELS
MEGA = 1e6
EXIF_ORIENTATION = 0x0112
EXIF_SHORT = 3
UPRIGHT = 1

# what Pillow raises for files that are cut short or damaged, each somewhere
DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    struct.error,
    Image.DecompressionBombError,
)


class _JpegFile(JpegImagePlugin.JpegImageFile):
    """Pillow's reader of JPEG files, less its search of the EXIF block for the resolution of prints."""

    def _read_dpi_from_exif(self) -> None:
        # it warns of damaged blocks, which `_orientation` reads without complaint
        pass


def decode(content: bytes, *, max_pixels: int = MAX_PIXELS) -> ByteArray:
    """The upright (height, width, 3) uint8 RGB pixels of a JPEG, PNG or WebP file.

    Raises UnreadableImageError where the file is something else, damaged, cut short, or has more than
    max_pixels pixels; the last is known from its header, before memory is taken.
    """
    try:
        image = _open(content, max_pixels)
        pixels = _pixels(image, content)
    except DAMAGED as error:
        raise UnreadableImageError(
            f"the image is damaged or cut short ({error}); send the file again as the camera wrote it"
        ) from error
    return _upright(pixels, _orientation(image.info.get("exif", b"")))


def _open(content: bytes, max_pixels: int) -> ImageFile.ImageFile:
    # the classes are called by name: Image.open would try every format and has its own size limit
    stream = io.BytesIO(content)
    if content.startswith(b"\xff\xd8\xff"):
        image: ImageFile.ImageFile = _JpegFile(stream)
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
    if "progressive" in image.info:
        _check_scans(content, *image.size)
    return image


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise UnreadableImageError(
            f"the image has {width} x {height} pixels ({width * height / MEGA:.1f} megapixels), more than "
            f"the {max_pixels / MEGA:.1f} allowed; send it smaller, or only the part with the animal"
        )


def _check_scans(content: bytes, width: int, height: int) -> None:
    # in coded pixels 0xFF is never followed by 0xDA, so that this counts headers, a thumbnail's included
    scans = content.count(b"\xff\xda")
    if scans * width * height > MAX_SCANNED:
        raise UnreadableImageError(
            f"the progressive JPEG has {scans} scans of {width} x {height} pixels, more than the "
            f"{MAX_SCANNED / MEGA:.0f} megapixels allowed in all; save it again as baseline JPEG"
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
    if isinstance(image, _JpegFile) and image.mode in {"RGB", "L"}:
        try:
            height, width = simplejpeg.decode_jpeg_header(content)[:2]
            # a damaged file may hold two headers; the size that was checked is Pillow's
            if (width, height) == image.size:
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
        layer = image if image.mode == "RGBA" else image.convert("RGBA")
        ground = Image.new("RGB", layer.size)
        ground.paste(layer, mask=layer)
        return ground
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
