"""Crops of all photographs at the size of a network, prepared once in a file that is mapped into memory.

Decoding a photograph of a camera trap takes longer than a step of a small network on its crop. So each
photograph is decoded once: the crops of 10,000 animals at 256 px take 1.8 GiB on the disk, and the operating
system keeps in memory what fits.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from spotted.arrays import ByteArray
from spotted.boxes.cropping import locate
from spotted.errors import InvalidInputError, UnreadableImageError
from spotted.formats.image_kinds import read_upright
from spotted.scoring.parallel import map_ahead
from spotted.training.photographs.photograph import Photograph

SHOWN_FAILURES = 5


@dataclass(frozen=True, slots=True)
class PreparedCrops:
    """The crops of photographs."""

    crops: ByteArray
    """(n, size, size, 3) RGB; those that failed are black."""
    failed: dict[int, str]
    """Why photographs cannot be used, by row."""


def prepare_crops(
    photographs: Sequence[Photograph],
    size: int,
    path: Path,
    *,
    threads: int = os.cpu_count() or 1,
    on_progress: Callable[[int], None] = lambda _: None,
) -> PreparedCrops:
    """The crops of photographs, from the file at `path` if it has them, else written there.

    threads: photographs decoded at once. on_progress: called with the number of crops made since the last
    call. Raises InvalidInputError if no photograph can be used.
    """
    done = path.with_name(f"{path.name}.{crops_digest(photographs, size)}")
    if done.is_file() and path.is_file():
        crops: ByteArray = np.load(path, mmap_mode="r")
        return PreparedCrops(crops, _read_failures(done))
    path.parent.mkdir(parents=True, exist_ok=True)
    for stale in path.parent.glob(f"{path.name}.*"):
        stale.unlink()
    shape = (len(photographs), size, size, 3)
    written: ByteArray = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    failed: dict[int, str] = {}
    found = map_ahead(lambda photograph: _try_crop(photograph, size), photographs, threads)
    for row, crop in enumerate(found):
        if isinstance(crop, str):
            failed[row] = crop
        else:
            written[row] = crop
        on_progress(1)
    if len(failed) == len(photographs):
        first = "; ".join(list(failed.values())[:SHOWN_FAILURES])
        raise InvalidInputError(f"none of the {len(failed)} photographs can be used: {first}")
    _write_failures(done, failed)
    return PreparedCrops(np.load(path, mmap_mode="r"), failed)


def read_crop(photograph: Photograph, size: int) -> ByteArray:
    """The crop (size, size, 3) of a photograph, stretched to a square as the embedder does.

    Raises UnreadableImageError if the box lies outside the image, OSError if the file cannot be read.
    """
    pixels = read_upright(photograph.path)
    if photograph.box is not None:
        height, width = pixels.shape[:2]
        window = locate(photograph.box, photograph.theta, width=width, height=height)
        pixels = window.upright(pixels[window.rows, window.columns])
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))


def crops_digest(photographs: Sequence[Photograph], size: int) -> str:
    """16 hexadecimal digits that change with any file, box or size."""
    digest = hashlib.sha256(f"{size}\n".encode())
    for photograph in photographs:
        stat = photograph.path.stat() if photograph.path.is_file() else None
        state = (stat.st_size, stat.st_mtime_ns) if stat else ()
        digest.update(repr((str(photograph.path), photograph.box, photograph.theta, state)).encode())
    return digest.hexdigest()[:16]


def _try_crop(photograph: Photograph, size: int) -> ByteArray | str:
    try:
        return read_crop(photograph, size)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, UnreadableImageError) as error:
        return f"{photograph.path}: {error}"


def _write_failures(path: Path, failed: dict[int, str]) -> None:
    lines = [f"{row}\t{' '.join(reason.split())}\n" for row, reason in failed.items()]
    path.write_text("".join(lines), encoding="utf-8")


def _read_failures(path: Path) -> dict[int, str]:
    lines = (line.split("\t", 1) for line in path.read_text(encoding="utf-8").splitlines())
    return {int(row): reason for row, reason in lines}
