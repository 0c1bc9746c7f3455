"""Photographs with the EXIF fields that camera traps write."""

from __future__ import annotations

from pathlib import Path

from PIL import Image


def write_photograph(
    path: Path,
    taken: str = "",
    *,
    tag: int = 0x9003,
    offset: str = "",
    make: str = "",
    model: str = "",
    serial: str = "",
    temperature_c: float | None = None,
    size: tuple[int, int] = (40, 20),
) -> Path:
    """A grey photograph, its format by the suffix; tag: the field that holds the time."""
    exif = Image.Exif()
    details = exif.get_ifd(0x8769)
    if make or model:
        exif[0x010F], exif[0x0110] = make, model
    if taken:
        (exif if tag == 0x0132 else details)[tag] = taken
    if offset:
        details[0x9011] = offset
    if serial:
        details[0xA431] = serial
    if temperature_c is not None:
        details[0x9400] = temperature_c
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, "grey").save(path, exif=exif.tobytes())
    return path
