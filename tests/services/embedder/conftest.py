"""The drawn images that all tests of the embedder share."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from services.embedder.images.decoding import ByteArray


@pytest.fixture(scope="session")
def drawing() -> ByteArray:
    """A drawn coat of stripes and spots, (300, 400, 3), the same on every machine: integers only."""
    rows, columns = np.mgrid[0:300, 0:400]
    stripes = (rows * 3 + columns * columns // 50) // 23 % 2 * 90
    spots = (((rows % 60 - 30) ** 2 + (columns % 80 - 40) ** 2) < 300) * 100
    red = 40 + stripes + spots
    green = 30 + stripes * 2 // 3 + spots + rows // 6
    blue = 20 + stripes // 2 + columns // 8
    return np.stack([red, green, blue], axis=2).astype(np.uint8)


@pytest.fixture(scope="session")
def drawing_png(drawing: ByteArray) -> bytes:
    """The drawing as a PNG file."""
    stream = io.BytesIO()
    Image.fromarray(drawing).save(stream, "PNG")
    return stream.getvalue()
