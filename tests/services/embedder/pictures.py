"""Image files and crops for the tests of the embedder."""

from __future__ import annotations

import io

from PIL import Image

from services.embedder.images.cropping import BLACK, Box, Colour, locate
from services.embedder.images.decoding import ByteArray

FORMATS = ("JPEG", "PNG", "WEBP")


def encoded(pixels: ByteArray | Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """An image as a file of a format of Pillow."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def cropped(image: ByteArray, box: Box, theta: float = 0.0, fill: Colour = BLACK) -> ByteArray:
    """The crop of an (H, W, 3) image, by the same steps as in Preprocessing."""
    height, width = image.shape[:2]
    window = locate(box, theta, width=width, height=height)
    return window.upright(image[window.rows, window.columns], fill)
