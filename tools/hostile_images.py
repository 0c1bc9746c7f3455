"""Image files that are small and costly to decode, for tests and attacks.

Each function makes one file. `mixture` draws from all of them.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import numpy as np
from PIL import Image

# the largest image accepted has 64 megapixels
EDGE = 8000
SCANS = 60


def flat_webp(edge: int = EDGE) -> bytes:
    """A lossless WebP of one colour: a few dozen bytes, about 24 bytes of memory for each pixel."""
    stream = io.BytesIO()
    Image.new("RGB", (edge, edge), (90, 91, 92)).save(stream, "WEBP", lossless=True, quality=0, method=0)
    return stream.getvalue()


def transparent_webp(edge: int = EDGE) -> bytes:
    """A transparent WebP of one colour."""
    stream = io.BytesIO()
    Image.new("RGBA", (edge, edge), (90, 91, 92, 93)).save(stream, "WEBP", lossless=True, quality=0, method=0)
    return stream.getvalue()


def flat_png(edge: int = EDGE) -> bytes:
    """A transparent PNG of one colour: 1,000 times smaller than its pixels."""
    stream = io.BytesIO()
    Image.new("RGBA", (edge, edge), (90, 91, 92, 93)).save(stream, "PNG", compress_level=9)
    return stream.getvalue()


def many_scans(edge: int = EDGE, scans: int = SCANS) -> bytes:
    """A sequential JPEG of many scans of one component, each of them a pass over all pixels."""
    tables = _jpeg(Image.new("RGB", (16, 16), (90, 91, 92)), subsampling=0)
    frame, first = tables.index(b"\xff\xc0"), tables.index(b"\xff\xda")
    header = bytearray(tables[:first])
    header[frame + 5 : frame + 9] = struct.pack(">HH", edge, edge)
    # one component, by turns, its tables, all coefficients, and one byte of data
    parts = [
        b"\xff\xda\x00\x08\x01" + bytes((1 + n % 3, 0x11 if n % 3 else 0)) + b"\x00\x3f\x00\x00"
        for n in range(scans)
    ]
    return bytes(header) + b"".join(parts) + b"\xff\xd9"


def progressive_scans(edge: int = EDGE, scans: int = SCANS) -> bytes:
    """A progressive JPEG whose last scan is repeated."""
    content = bytearray(_jpeg(Image.new("RGB", (64, 64), (90, 91, 92)), progressive=True))
    frame = content.index(b"\xff\xc2")
    content[frame + 5 : frame + 9] = struct.pack(">HH", edge, edge)
    last = content.rindex(b"\xff\xda")
    return bytes(content[:last] + bytes(content[last:-2]) * scans + b"\xff\xd9")


def flat_jpeg(edge: int = EDGE) -> bytes:
    """A JPEG of one colour that claims a large size and ends early."""
    content = bytearray(_jpeg(Image.new("RGB", (64, 64), (90, 91, 92))))
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", edge, edge)
    return bytes(content)


def cut_webp(edge: int = EDGE) -> bytes:
    """A WebP whose header is sound and whose pixels are missing."""
    return flat_webp(edge)[:-6]


HOSTILE: tuple[Callable[[int], bytes], ...] = (
    flat_webp,
    transparent_webp,
    flat_png,
    many_scans,
    progressive_scans,
    flat_jpeg,
    cut_webp,
)


def mixture(count: int, seed: int = 0) -> list[bytes]:
    """Files of all kinds in a random order, each kind in three sizes up to the largest accepted."""
    kinds = [make(edge) for make in HOSTILE for edge in (2000, 5000, EDGE)]
    chosen = np.random.default_rng(seed).integers(len(kinds), size=count)
    return [kinds[index] for index in chosen]


def _jpeg(image: Image.Image, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", **options)
    return stream.getvalue()
