"""Trees of tiny photographs, named as the published sets name theirs."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image


def tiny_jpeg(seed: int, size: tuple[int, int] = (24, 16), orientation: int = 1) -> bytes:
    """A JPEG of its own for each seed."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    encoded = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(encoded, "JPEG", exif=exif)
    return encoded.getvalue()


def write_tree(root: Path, files: Iterable[str]) -> Path:
    """A tree with a photograph of its own at each path; other suffixes get a few words."""
    for seed, file in enumerate(files):
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        is_image = path.suffix.lower() in {".jpg", ".jpeg"}
        path.write_bytes(tiny_jpeg(seed) if is_image else b"no image")
    return root
