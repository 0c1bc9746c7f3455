"""A detection together with its image file and box."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from spotted.survey import Detection


@dataclass(frozen=True, slots=True)
class Picture:
    """A detection and where its image is.

    path: the image file; None where there is none, such as a capture without a photograph.
    box: x, y, width, height of the animal as fractions of the upright image; None for all of it.
    """

    detection: Detection
    path: Path | None
    box: tuple[float, float, float, float] | None = None
