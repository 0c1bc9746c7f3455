"""The header of an image file: what the file claims, read before memory for its pixels is allocated."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from PIL import Image, ImageFile, JpegImagePlugin, PngImagePlugin

from spotted.errors import UnreadableImageError

# the largest camera-trap frames have 40 megapixels; 64 megapixels take 192 MB decoded
MAX_PIXELS = 64_000_000
# pixels times scans of a JPEG, as each scan is a pass over all pixels: progressive files usually have 10
# scans, and this many pixels take a few seconds
MAX_SCANNED = 10 * MAX_PIXELS
MEGA = 1e6
# a header with at most this number of segments is read within some milliseconds, most in a tenth of one
BRIEF_BYTES, BRIEF_MARKERS, SEGMENT_BYTES = 256 << 10, 2000, 12

# how a JPEG begins
JPEG = b"\xff\xd8\xff"

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


@dataclass(frozen=True, slots=True)
class Header:
    """Format and size of an image file."""

    kind: str
    """JPEG, PNG or WEBP."""
    width: int
    """Pixels, before the EXIF orientation."""
    height: int
    """Pixels, before the EXIF orientation."""
    scans: int
    """Passes over all pixels, at most; 1 except in a JPEG."""
    image: ImageFile.ImageFile | None
    """The file opened by Pillow, without its pixels; None: a WebP, which Pillow opens with them."""


class JpegFile(JpegImagePlugin.JpegImageFile):
    """Pillow's JPEG reader without its search of the EXIF block for the print resolution."""

    def _read_dpi_from_exif(self) -> None:
        # it warns about damaged blocks, which decoding reads without a warning
        pass


@contextmanager
def damage_reported() -> Iterator[None]:
    """Raise UnreadableImageError for an error of DAMAGED."""
    try:
        yield
    except DAMAGED as error:
        raise UnreadableImageError(
            f"the image is damaged or truncated ({error}); copy it from the camera's card again"
        ) from error


def read_header(content: bytes, *, max_pixels: int = MAX_PIXELS) -> Header:
    """The header of a JPEG, PNG or WebP file.

    Raises UnreadableImageError for another format, more than max_pixels pixels or too many scans, and errors
    of DAMAGED for a damaged file.
    """
    # not Image.open, which would try every format and has its own size limit
    stream = io.BytesIO(content)
    if content.startswith(JPEG):
        header = _opened("JPEG", JpegFile(stream), content)
    elif content.startswith(b"\x89PNG\r\n\x1a\n"):
        header = _opened("PNG", PngImagePlugin.PngImageFile(stream), content)
    elif content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        header = Header("WEBP", *_webp_size(content), scans=1, image=None)
    elif not content:
        raise UnreadableImageError("the file is empty; copy it from the camera's card again")
    else:
        raise UnreadableImageError(
            f"not a JPEG, PNG or WebP image ({len(content)} bytes starting with {content[:8]!r}); "
            "send an encoded JPEG, PNG or WebP file"
        )
    check_size(header.width, header.height, max_pixels)
    _check_scans(header)
    return header


def is_brief(content: bytes) -> bool:
    """Whether the header takes little time to read, also if the file is an attack."""
    if len(content) > BRIEF_BYTES:
        return False
    # each segment of a JPEG begins with a marker; those of other formats have a length of their own
    segments = content.count(b"\xff") if content.startswith(JPEG) else len(content) // SEGMENT_BYTES
    return segments <= BRIEF_MARKERS


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Raise UnreadableImageError for more than max_pixels pixels."""
    if width * height > max_pixels:
        raise UnreadableImageError(
            f"the image has {width} x {height} pixels ({width * height / MEGA:.1f} megapixels), more than "
            f"the {max_pixels / MEGA:.1f} allowed; scale it down, or send only the part with the animal"
        )


def _opened(kind: str, image: ImageFile.ImageFile, content: bytes) -> Header:
    # coded pixels never contain 0xFF 0xDA, so this counts the scan headers, including those of a thumbnail
    scans = max(content.count(b"\xff\xda"), 1) if kind == "JPEG" else 1
    return Header(kind, *image.size, scans=scans, image=image)


def _check_scans(header: Header) -> None:
    if header.scans * header.width * header.height > MAX_SCANNED:
        raise UnreadableImageError(
            f"the JPEG has {header.scans} scans of {header.width} x {header.height} pixels, more than the "
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
