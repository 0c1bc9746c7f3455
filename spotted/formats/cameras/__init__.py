"""The cameras of a survey from a table, one for each period in which a camera stood at one position.

periods  cameras that were moved, repaired or set up again
table    tables of cameras
"""

from spotted.formats.cameras.periods import CameraTable, period_id, without_downtime
from spotted.formats.cameras.table import read_cameras

__all__ = ["CameraTable", "period_id", "read_cameras", "without_downtime"]
