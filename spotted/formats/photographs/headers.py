"""Time, camera and temperature of a photograph from its EXIF header; pixels are never decoded."""

from __future__ import annotations

import math
import re
import struct
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from spotted.formats.image_kinds import missing_reader, open_image

_EXIF_IFD = 0x8769
_MAKE, _MODEL, _CHANGED = 0x010F, 0x0110, 0x0132
_TAKEN, _DIGITISED = 0x9003, 0x9004
_OFFSETS = {_TAKEN: 0x9011, _DIGITISED: 0x9012, _CHANGED: 0x9010}
_SERIAL, _TEMPERATURE = 0xA431, 0x9400
# some cameras write dashes or slashes instead of the standard's colons
_TIME = re.compile(r"(\d{4})[:/-](\d\d)[:/-](\d\d)[ T](\d\d):(\d\d):(\d\d)", re.ASCII)
_OFFSET = re.compile(r"[+-]\d\d:\d\d", re.ASCII)
# a field of another type or length than EXIF states raises one of these inside Pillow
_BROKEN = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, struct.error)


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """Fields that a camera wrote beside the pixels; "" or None for one that it did not write."""

    time: str = ""
    """ISO 8601 of the camera's clock, with an offset if the camera wrote one."""
    camera: str = ""
    """Make and model."""
    serial: str = ""
    """Serial number of the camera."""
    temperature_c: float | None = None
    """Ambient temperature, degrees Celsius."""
    fault: str = ""
    """Why the header cannot be read, "" if it can."""


def read_header(path: Path) -> ImageHeader:
    """The header of an image file; one that cannot be read has a fault and nothing else."""
    missing = missing_reader(path.suffix)
    if missing:
        return ImageHeader(fault=missing)
    try:
        with warnings.catch_warnings():
            # Pillow warns of each damaged field, and of large images that are not decoded here
            warnings.simplefilter("ignore")
            return _read(path)
    except Image.DecompressionBombError as error:
        return ImageHeader(fault=str(error))
    except _BROKEN as error:
        return ImageHeader(fault=str(error) or type(error).__name__)


def _read(path: Path) -> ImageHeader:
    with open_image(path) as image:
        if image.format == "TIFF":
            # its own tags are those of EXIF
            exif = image.getexif()
            return _header(exif, exif.get_ifd(_EXIF_IFD))
        written = image.info.get("exif")
    exif = Image.Exif()
    if written:
        exif.load(written)
    return _header(exif, exif.get_ifd(_EXIF_IFD))


def _header(main: Mapping[int, object], details: Mapping[int, object]) -> ImageHeader:
    make, model = _text(main.get(_MAKE)), _text(main.get(_MODEL))
    return ImageHeader(
        time=_time(main, details),
        # many models repeat the make
        camera=model if model and model.lower().startswith(make.lower()) else f"{make} {model}".strip(),
        serial=_text(details.get(_SERIAL)),
        temperature_c=_number(details.get(_TEMPERATURE)),
    )


def _time(main: Mapping[int, object], details: Mapping[int, object]) -> str:
    """When the photograph was taken; the time of its last change only if the camera wrote no other."""
    for tag, fields in ((_TAKEN, details), (_DIGITISED, details), (_CHANGED, main)):
        found = _TIME.match(_text(fields.get(tag)))
        # cameras without a set clock write zeros
        if found and int(found[1]) and int(found[2]) and int(found[3]):
            year, month, day, hour, minute, second = found.groups()
            offset = _text(details.get(_OFFSETS[tag]))
            suffix = offset if _OFFSET.fullmatch(offset) else ""
            return f"{year}-{month}-{day}T{hour}:{minute}:{second}{suffix}"
    return ""


def _text(value: object) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return " ".join(text.split("\0")[0].split()) if isinstance(text, str) else ""


def _number(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]  # a rational of Pillow, or what a camera wrote instead
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) else None
