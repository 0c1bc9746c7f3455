"""Image files to upright 8-bit RGB pixels.

JPEG, PNG and WebP are read. Grey is repeated over the three channels; CMYK is converted as in Pillow,
without colour profiles; 16-bit samples keep their high byte; transparent pixels are laid over black; an
animation is read as its first frame. All of these rules are part of `Preprocessing.digest`.

Decoding n pixels takes at most 24 n bytes of memory; a transparent WebP takes the most.

Sources and choices: docs/research/provenance.md.
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

# the largest camera-trap frames have 40 megapixels; 64 megapixels take 192 MB decoded
MAX_PIXELS = 64_000_000
# pixels times scans of a progressive file, as each scan is a pass over all pixels: files usually have 10
# scans, and this many pixels take a few seconds
MAX_SCANNED = 10 * MAX_PIXELS
MEGA = 1e6
EXIF_ORIENTATION = 0x0112
EXIF_SHORT = 3
UPRIGHT = 1

# exceptions that Pillow raises for damaged or truncated files
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
    """Pillow's JPEG reader without its search of the EXIF block for the print resolution."""

    def _read_dpi_from_exif(self) -> None:
        # it warns about damaged blocks, which `_orientation` reads without a warning
        pass


def decode(content: bytes, *, max_pixels: int = MAX_PIXELS) -> ByteArray:
    """The upright (height, width, 3) uint8 RGB pixels of a JPEG, PNG or WebP file.

    Raises UnreadableImageError if the file has another format, is damaged or truncated, or has more than
    max_pixels pixels; the size is read from the header, before memory is allocated.
    """
    try:
        image = _open(content, max_pixels)
        pixels = _pixels(image, content)
    except DAMAGED as error:
        raise UnreadableImageError(
            f"the image is damaged or truncated ({error}); send the file as the camera wrote it"
        ) from error
    return _upright(pixels, _orientation(image.info.get("exif", b"")))


def _open(content: bytes, max_pixels: int) -> ImageFile.ImageFile:
    # not Image.open, which would try every format and has its own size limit
    stream = io.BytesIO(content)
    if content.startswith(b"\xff\xd8\xff"):
        image: ImageFile.ImageFile = _JpegFile(stream)
    elif content.startswith(b"\x89PNG\r\n\x1a\n"):
        image = PngImagePlugin.PngImageFile(stream)
    elif content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        # Pillow allocates memory for the whole picture when it opens a WebP
        _check_size(*_webp_size(content), max_pixels)
        image = WebPImagePlugin.WebPImageFile(stream)
    else:
        raise UnreadableImageError(
            f"not a JPEG, PNG or WebP image ({len(content)} bytes starting with {content[:8]!r}); "
            "send an encoded JPEG, PNG or WebP file"
        )
    _check_size(*image.size, max_pixels)
    if "progressive" in image.info:
        _check_scans(content, *image.size)
    return image


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise UnreadableImageError(
            f"the image has {width} x {height} pixels ({width * height / MEGA:.1f} megapixels), more than "
            f"the {max_pixels / MEGA:.1f} allowed; scale it down, or send only the part with the animal"
        )


def _check_scans(content: bytes, width: int, height: int) -> None:
    # coded pixels never contain 0xFF 0xDA, so this counts the scan headers, including those of a thumbnail
    scans = content.count(b"\xff\xda")
    if scans * width * height > MAX_SCANNED:
        raise UnreadableImageError(
            f"the progressive JPEG has {scans} scans of {width} x {height} pixels, more than the "
            f"{MAX_SCANNED / MEGA:.0f} megapixels allowed in total; save it again as baseline JPEG"
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
            # a damaged file may hold two headers; the checked size is the one that Pillow read
            if (width, height) == image.size:
                # the same pixels as from Pillow, in less than half the time
                return np.asarray(simplejpeg.decode_jpeg(content, colorspace="RGB"))
        except ValueError:
            # it refuses harmless flaws, such as stray bytes between segments; let Pillow decide
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
    if orientation in {5, 6, 7, 8}:
        pixels = pixels.swapaxes(0, 1)
    if orientation in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    if orientation in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    return pixels
