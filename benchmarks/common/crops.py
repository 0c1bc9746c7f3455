"""JPEG crops and frames like those of animals at camera traps, and invalid files."""

from __future__ import annotations

import io
import zlib

import numpy as np
import simplejpeg
from PIL import Image
from sklearn.datasets import load_sample_images

from services.embedder.images.decoding import ByteArray

WIDTH, HEIGHT = 512, 384
LEAST_BYTES, MOST_BYTES = 36_000, 70_000
SEED = 20260101
# levels of noise in a frame, and its quality as a JPEG
NOISE, FRAME_QUALITY = 3.0, 90
MEGA = 1e6


def jpeg_crops(count: int) -> list[bytes]:
    """`count` different crops of two photographs, 512 x 384 pixels, 36 to 70 kB, the same in every run."""
    photographs = load_sample_images().images
    rng = np.random.default_rng(SEED)
    return [_encoded(_window(photographs[i % len(photographs)], rng), rng) for i in range(count)]


def frame(megapixels: int) -> bytes:
    """A JPEG of the proportions and size of a camera trap's, the same in every run.

    A photograph enlarged, with the noise of a sensor: 0.2 to 0.3 bytes a pixel, as cameras write.
    """
    width = round((megapixels * MEGA * 4 / 3) ** 0.5)
    photograph = Image.fromarray(load_sample_images().images[0])
    enlarged = np.asarray(photograph.resize((width, width * 3 // 4), Image.Resampling.BICUBIC))
    noise = np.random.default_rng(SEED).normal(scale=NOISE, size=(*enlarged.shape[:2], 1))
    pixels = (enlarged + noise).clip(0, 255).astype(np.uint8)
    return bytes(simplejpeg.encode_jpeg(pixels, quality=FRAME_QUALITY, colorsubsampling="422"))


def mixed_files(count: int, good: list[bytes]) -> list[tuple[bytes, str]]:
    """`count` files, two in three of them good, each with the text that its error must contain; "" if good.

    Bad files are text, a truncated image, an empty file, and a header with too many pixels.
    """
    return [_bad(i, good[i % len(good)]) if i % 3 == 1 else (good[i % len(good)], "") for i in range(count)]


def _window(photograph: ByteArray, rng: np.random.Generator) -> ByteArray:
    top = rng.integers(photograph.shape[0] - HEIGHT + 1)
    left = rng.integers(photograph.shape[1] - WIDTH + 1)
    window = photograph[top : top + HEIGHT, left : left + WIDTH]
    return np.ascontiguousarray(window[:, ::-1] if rng.random() < 1 / 2 else window)


def _encoded(window: ByteArray, rng: np.random.Generator) -> bytes:
    target_bytes = rng.uniform(LEAST_BYTES + 8_000, MOST_BYTES)
    content = b""
    for quality in range(98, 40, -2):
        content = bytes(simplejpeg.encode_jpeg(window, quality=quality, colorsubsampling="420"))
        if len(content) <= target_bytes:
            break
    return content


def _bad(i: int, good: bytes) -> tuple[bytes, str]:
    match i // 3 % 4:
        case 0:
            return b"%08d is no image" % i, f"{i:08d}"
        case 1:
            return good[: len(good) // 2], "damaged or truncated"
        case 2:
            return b"", "the file is empty"
        case _:
            return _huge(i), f"{20_000 + i} x "


def _huge(i: int) -> bytes:
    """A small PNG file whose header claims more pixels than any camera has."""
    stream = io.BytesIO()
    Image.new("1", (1, 1)).save(stream, "PNG")
    content = bytearray(stream.getvalue())
    content[16:24] = (20_000 + i).to_bytes(4, "big") + (20_000).to_bytes(4, "big")
    # checksum of the type and content of the header
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    return bytes(content)
