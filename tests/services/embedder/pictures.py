"""Image files for the tests of the embedder."""

from __future__ import annotations

import io

from PIL import Image

from services.embedder.images.decoding import ByteArray

FORMATS = ("JPEG", "PNG", "WEBP")


def encoded(pixels: ByteArray | Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """An image as a file of a format of Pillow."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()
