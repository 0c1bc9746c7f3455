"""A detection together with its image file and box."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from spotted.survey import Detection


@dataclass(frozen=True, slots=True)
class Picture:
    """A detection and the part of an image that shows it."""

    detection: Detection
    """The animal: camera, time, side and, if known, individual."""
    path: Path | None
    """The image file; None without one, e.g. a capture without a photograph."""
    box: tuple[float, float, float, float] | None = None
    """x, y, width, height of the animal as fractions of the upright image; None for the whole image."""
    source: str = field(default="", compare=False)
    """File and row that describe it, for messages."""
