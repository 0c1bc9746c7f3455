"""The drawn images that all tests of the embedder share."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from services.embedder.images.decoding import ByteArray
from tests.spotted.boxes.drawn_coat import drawn_coat


@pytest.fixture(scope="session")
def drawing() -> ByteArray:
    """A drawn coat of stripes and spots, (300, 400, 3)."""
    return drawn_coat()


@pytest.fixture(scope="session")
def drawing_png(drawing: ByteArray) -> bytes:
    """The drawing as a PNG file."""
    stream = io.BytesIO()
    Image.fromarray(drawing).save(stream, "PNG")
    return stream.getvalue()
