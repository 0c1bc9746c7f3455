"""Tables that Timelapse exports: File, RelativePath, a time, and the columns of a template of the user.

Columns as in https://timelapse.ucalgary.ca: RootFolder, File, RelativePath, DateTime (older ones Date and
Time, and Folder for the root folder), DeleteFlag; species, individual and others are named by the template.
"""

from __future__ import annotations

from collections.abc import Sequence

# fields that Timelapse always names like this
_FIELDS = {"image": "File", "folder": "RelativePath"}
# titles of which one is in every export
_TIMES = ({"time": "DateTime"}, {"date": "Date", "clock": "Time"}, {"date": "Date_", "clock": "Time_"})


def is_timelapse(titles: Sequence[str]) -> bool:
    """Whether a table is one of Timelapse.

    >>> is_timelapse(["RootFolder", "File", "RelativePath", "DateTime", "DeleteFlag", "Species"])
    True
    """
    return bool(timelapse_columns(titles))


def timelapse_columns(titles: Sequence[str]) -> dict[str, str]:
    """The columns that every table of Timelapse has, by field; {} if it is not one of Timelapse."""
    times = next((times for times in _TIMES if set(times.values()) <= set(titles)), None)
    return {**_FIELDS, **times} if times and set(_FIELDS.values()) <= set(titles) else {}
