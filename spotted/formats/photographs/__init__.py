"""Folders of photographs.

folder        the survey of a folder of photographs
headers       time, camera and temperature from the header of an image file
stations      the station of a photograph from its path, by a pattern
megadetector  boxes of MegaDetector's JSON, for any layout
"""

from spotted.formats.photographs.folder import read_photographs
from spotted.formats.photographs.headers import ImageHeader, read_header
from spotted.formats.photographs.megadetector import (
    AnimalBoxes,
    is_megadetector,
    read_megadetector,
    with_boxes,
)
from spotted.formats.photographs.stations import StationPattern, guess_pattern

__all__ = [
    "AnimalBoxes",
    "ImageHeader",
    "StationPattern",
    "guess_pattern",
    "is_megadetector",
    "read_header",
    "read_megadetector",
    "read_photographs",
    "with_boxes",
]
