"""Capture histories: which individual was seen on which occasion at which station.

history    captures and effort of a survey
by_side    the same from the photographs of one side
occasions  instants as occasions of whole days
effort     when the stations operated
tables     a history as CSV tables
"""

from spotted.formats.captures.by_side import SIDES, build_by_side
from spotted.formats.captures.history import Capture, CaptureHistory, build_capture_history
from spotted.formats.captures.occasions import Calendar
from spotted.formats.captures.tables import csv_bytes, write_capture_history

__all__ = [
    "SIDES",
    "Calendar",
    "Capture",
    "CaptureHistory",
    "build_by_side",
    "build_capture_history",
    "csv_bytes",
    "write_capture_history",
]
