"""One animal in one photograph, as training sees it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from spotted.boxes.cropping import Box
from spotted.survey import Side


@dataclass(frozen=True, slots=True)
class Photograph:
    """One animal in one photograph.

    >>> Photograph("p1", Path("p1.jpg"), name="Asha", side=Side.LEFT).species
    ''
    """

    photograph_id: str
    path: Path
    """The image file."""
    box: Box | None = None
    """The part of the upright image that shows the animal; None for the whole image."""
    theta: float = 0.0
    """Angle by which the box is turned about its centre, radians, clockwise on the screen."""
    name: str = ""
    """The individual; "" if unknown."""
    species: str = ""
    """e.g. "Panthera pardus"; "" if unknown."""
    side: Side = Side.UNKNOWN
    encounter: str = ""
    """One animal at one time and place; "" if unknown."""
    camera: str = ""
    """"" if unknown."""
    captured_at_s: float | None = None
    """UTC seconds since 1970, None if unknown."""
    split: str = ""
    """"train" or "test" if the file says so, else ""."""
