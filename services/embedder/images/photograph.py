"""An encoded image and its parts, as a caller sends them."""

from __future__ import annotations

from dataclasses import dataclass

from services.embedder.images.masks import Mask
from spotted.boxes.cropping import Box


@dataclass(frozen=True, slots=True)
class CropPart:
    """The part of an image that shows one animal."""

    box: Box | None = None
    """Box of the animal; None: the whole image."""
    theta: float = 0.0
    """Turn of the box about its centre, radians, clockwise on the screen."""
    mask: Mask | None = None
    """Mask of the upright image."""


WHOLE_IMAGE = CropPart()


@dataclass(frozen=True, slots=True)
class Photograph:
    """An encoded image, and the parts of it to embed; it is decoded once for all of them."""

    content: bytes
    """JPEG, PNG or WebP file."""
    parts: tuple[CropPart, ...] = (WHOLE_IMAGE,)
    """At least one."""
