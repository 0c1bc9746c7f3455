"""Where surveys came from.

source   the files of a survey and the options of its import
records  the sources that a data directory knows
"""

from spotted.formats.sources.records import (
    detected_boxes,
    detection_lock,
    forget,
    is_known,
    progress_file,
    recall,
    remember,
)
from spotted.formats.sources.source import Source

__all__ = [
    "Source",
    "detected_boxes",
    "detection_lock",
    "forget",
    "is_known",
    "progress_file",
    "recall",
    "remember",
]
