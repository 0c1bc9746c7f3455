"""Folders of photographs.

folder    the survey of a folder of photographs
headers   time, camera and temperature from the header of an image file
stations  the station of a photograph from its path, by a pattern
"""

from spotted.formats.photographs.folder import read_photographs
from spotted.formats.photographs.headers import ImageHeader, read_header
from spotted.formats.photographs.stations import StationPattern, guess_pattern

__all__ = ["ImageHeader", "StationPattern", "guess_pattern", "read_header", "read_photographs"]
