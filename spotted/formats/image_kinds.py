"""Kinds of image files: those that the services read as they are, and those that are converted first.

HEIC needs the extra `heif` (pillow-heif); AVIF and TIFF are read by Pillow.
"""

from __future__ import annotations

import importlib.util
import io
from functools import cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, features

from spotted.arrays import ByteArray
from spotted.errors import InvalidInputError

# as the services read them
SENT = frozenset({".jpg", ".jpeg", ".png", ".webp"})
HEIF = frozenset({".heic", ".heif"})
AVIF = frozenset({".avif"})
CONVERTED = HEIF | AVIF | {".tif", ".tiff"}
PHOTOGRAPHS = SENT | CONVERTED
# Pillow refuses the name of a kind that is not registered
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "TIFF")
# high enough that a second coding does not move an embedding, small enough for one message
_QUALITY = 95
_HEIF_REMEDY = "HEIC needs pillow-heif: pip install 'spotted[heif]'"
_AVIF_REMEDY = "this build of Pillow cannot read AVIF: pip install --upgrade pillow"


def missing_reader(suffix: str) -> str:
    """Why files with a suffix cannot be read here, with the remedy; "" if they can.

    >>> missing_reader(".jpg")
    ''
    """
    if suffix.lower() in HEIF:
        return "" if _has_heif() else _HEIF_REMEDY
    if suffix.lower() in AVIF:
        return "" if features.check("avif") else _AVIF_REMEDY
    return ""


def open_image(path: Path) -> Image.Image:
    """An image file opened by Pillow; pixels are read later.

    Raises OSError or another error of Pillow for a file that cannot be read.
    """
    return _opened(path, path.suffix)


def read_upright(path: Path) -> ByteArray:
    """The upright 8-bit RGB pixels (height, width, 3) of an image file.

    Raises OSError or another error of Pillow for a file that cannot be read.
    """
    with open_image(path) as image:
        return np.asarray(_as_rgb(ImageOps.exif_transpose(image)))


def read_sendable(path: Path) -> bytes:
    """The content of an image file in a format that services read; HEIC, AVIF and TIFF become upright JPEG.

    Raises OSError if the file cannot be read, and InvalidInputError if its reader is missing here.
    """
    if path.suffix.lower() not in CONVERTED:
        return path.read_bytes()
    return converted(path, path.suffix)


def converted(file: Path | BinaryIO, suffix: str, *, most_pixels: int | None = None) -> bytes:
    """An upright JPEG of an image file of any kind.

    most_pixels: larger images are not read; None for the bound of Pillow. Raises OSError if the file cannot
    be read, and InvalidInputError if its reader is missing here.
    """
    missing = missing_reader(suffix)
    if missing:
        raise InvalidInputError(missing)
    try:
        with _opened(file, suffix) as image:
            if most_pixels is not None and image.width * image.height > most_pixels:
                raise OSError(0, f"{image.width} x {image.height} pixels are more than {most_pixels:,}")
            upright = ImageOps.exif_transpose(image)
            content = io.BytesIO()
            _as_rgb(upright).save(content, "JPEG", quality=_QUALITY, subsampling=0)
    except (SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise OSError(0, str(error)) from error
    return content.getvalue()


def _opened(file: Path | BinaryIO, suffix: str) -> Image.Image:
    kinds: tuple[str, ...] = FORMATS
    if suffix.lower() in HEIF and _has_heif():
        _register_heif()
        kinds = (*FORMATS, "HEIF")
    return Image.open(file, formats=kinds)


def _as_rgb(image: Image.Image) -> Image.Image:
    """8-bit RGB, 16-bit samples by their high byte, as the embedder reads other files."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    return image.convert("RGB")


def _has_heif() -> bool:
    return importlib.util.find_spec("pillow_heif") is not None


@cache
def _register_heif() -> None:
    from pillow_heif import register_heif_opener  # noqa: PLC0415 - an extra

    register_heif_opener()
