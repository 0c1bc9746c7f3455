"""Doubtful values in files: they are named, and left out of the extent that normalises scores.

unknown_names  names that mean that an animal is unknown
phrases        pictures, instants and periods as messages name them
names          names that look like one another, and repeated images
places         cameras whose position is most likely wrong
stations       cameras of one station, and stations that cannot be one
timeline       the times of a survey while it is decided which of them are believed
times          times of photographs and periods of cameras that contradict each other
"""

from spotted.formats.doubts.timeline import Times
from spotted.formats.doubts.times import settle_times
from spotted.formats.doubts.unknown_names import UNKNOWN_NAMES, means_unknown

__all__ = ["UNKNOWN_NAMES", "Times", "means_unknown", "settle_times"]
