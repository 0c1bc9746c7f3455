"""A survey with its individuals, ready to be written for another program."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spotted.formats.captures.by_side import build_by_side, side_note
from spotted.formats.captures.history import CaptureHistory, build_capture_history
from spotted.formats.file_set import write_fileset
from spotted.formats.imported_survey import ImportedSurvey
from spotted.formats.row import absolute_path


@dataclass(frozen=True, slots=True)
class Material:
    """A survey, its individuals, and how its days are counted.

    >>> from spotted.survey import Survey
    >>> material = Material(ImportedSurvey(Survey("ridge", 0.0, 9.0), (), ()), {}, Path("photographs"))
    >>> material.history().occasions
    1
    """

    imported: ImportedSurvey
    """The survey as its files describe it."""
    individuals: Mapping[str, str]
    """The name of the individual by detection id; a detection without one is left out."""
    root: Path
    """The folder that paths of images are relative to."""
    timezone: str = "UTC"
    """IANA name of the zone in which days and times are written, or an offset."""
    occasion_days: int = 1
    """Length of an occasion in days."""
    day_starts_at_h: float = 0.0
    """The hour at which a day of an occasion begins."""
    sexes: Mapping[str, str] = field(default_factory=dict)
    """`female` or `male` by the name of an individual, if known."""

    def history(self) -> CaptureHistory:
        """The captures by occasion."""
        return build_capture_history(
            self.imported.survey,
            self.imported.detections,
            self.individuals,
            occasion_days=self.occasion_days,
            timezone=self.timezone,
            day_starts_at_h=self.day_starts_at_h,
        )

    def by_side(self) -> dict[str, CaptureHistory]:
        """The captures by occasion of each side, by `left` and `right`."""
        return build_by_side(
            self.imported.survey,
            self.imported.detections,
            self.individuals,
            occasion_days=self.occasion_days,
            timezone=self.timezone,
            day_starts_at_h=self.day_starts_at_h,
        )

    def by_day(self) -> CaptureHistory:
        """The captures by days from midnight to midnight."""
        return build_capture_history(
            self.imported.survey,
            self.imported.detections,
            self.individuals,
            timezone=self.timezone,
        )

    def side_note(self) -> str:
        """A note about animals that may be counted once for each side; "" if there can be none."""
        return side_note(self.imported.detections, self.individuals)

    def station(self, camera_id: str) -> str:
        """The station of a camera."""
        camera = self.imported.survey.cameras.get(camera_id)
        return camera.station_id if camera else camera_id


@dataclass(frozen=True, slots=True)
class ExportFiles:
    """Files for another program.

    >>> ExportFiles({"traps.txt": b"A1 0.000 0.000 1"}, ()).notes
    ()
    """

    contents: Mapping[str, bytes]
    """The content of each file, by its name."""
    notes: tuple[str, ...]
    """Notes for the user, such as what was left out and why."""

    def write(self, directory: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write them. Raises AlreadyExistsError if the directory is not empty and `overwrite` is False."""
        write_fileset(absolute_path(directory), self.contents, sources={}, overwrite=overwrite)
