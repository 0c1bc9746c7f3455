"""Tables that have the columns of a known layout, except for the time of a photograph.

Without times nothing can be said about journeys, so that a column that was lost is an error, not a table with
titles of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from spotted.errors import InvalidInputError
from spotted.formats.layouts.programs import TRAPTAGGER, WILDBOOK
from spotted.formats.layouts.traptagger import is_traptagger
from spotted.formats.layouts.wildbook import MILLISECONDS, is_wildbook


@dataclass(frozen=True, slots=True)
class TimedTable:
    """A table of a known layout."""

    title: str
    """Name of the layout."""
    is_meant: Callable[[set[str]], bool]
    """Whether a table with these titles is meant to be one."""
    times: tuple[str, ...]
    """Its columns for the time; one of them is enough."""
    remedy: str = "--map time="
    """The option that reads it without times."""


def _has(*titles: str) -> Callable[[set[str]], bool]:
    return lambda given: given.issuperset(titles)


KNOWN = (
    TimedTable("the media of Camtrap DP", _has("mediaID", "deploymentID", "filePath"), ("timestamp",)),
    TimedTable("records of camtrapR", _has("Station", "Directory", "FileName"), ("DateTimeOriginal",)),
    TimedTable("Timelapse", _has("File", "RelativePath"), ("DateTime", "Date", "Date_")),
    TimedTable("Wildlife Insights", _has("deployment_id", "image_id", "filename"), ("timestamp",)),
    TimedTable(
        "a table of detections",
        lambda given: "camera_id" in given and bool({"image", "detection_id", "image_id"} & given),
        ("timestamp",),
    ),
    TimedTable(
        "TrapTagger", lambda given: is_traptagger(sorted(given)), ("timestamp",), f"--layout {TRAPTAGGER}"
    ),
    TimedTable(
        "Wildbook's bulk import",
        lambda given: is_wildbook(sorted(given)),
        ("Encounter.year", MILLISECONDS),
        f"--layout {WILDBOOK}",
    ),
)


def check_times(table: Path, sheets: Iterable[Sequence[str]]) -> None:
    """Raise InvalidInputError if a table has all columns of a known layout but those of the time.

    sheets: the titles of each sheet.

    >>> check_times(Path("records.csv"), [("Station", "Directory", "FileName", "DateTimeOriginal")])
    """
    for titles in map(set, sheets):
        meant = next((known for known in KNOWN if known.is_meant(titles)), None)
        if meant is not None and titles.isdisjoint(meant.times):
            raise InvalidInputError(
                f"{table.name} lacks the column {meant.times[0]}; its other columns are those of "
                f"{meant.title}; add the column, or give {meant.remedy} if no time is known",
                field=table.name,
            )
