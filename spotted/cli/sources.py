"""The files that a survey was imported from, recorded so that later commands need only its id."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from spotted.errors import NotFoundError
from spotted.formats.camtrapdp import read_camtrapdp, write_camtrapdp
from spotted.formats.catalogue import read_catalogue, write_catalogue
from spotted.formats.csv_survey import read_csv_survey, write_csv_survey
from spotted.formats.imported_survey import ImportedSurvey
from spotted.formats.layouts.recognition import CAMTRAP_DP, CATALOGUE, PUBLISHED_SET
from spotted.formats.published_sets import read_published
from spotted.formats.published_sets_export import write_published


@dataclass(frozen=True, slots=True)
class Source:
    """A package or a pair of CSV tables, with the options of its import; "" for what was not given."""

    package: str = ""
    """Absolute path of the package, in the layout of `layout`."""

    cameras: str = ""
    """Absolute path of the CSV of cameras."""

    detections: str = ""
    """Absolute path of the CSV of detections, instead of a package."""

    images_root: str = ""
    """Absolute path that image paths are relative to."""

    species: str = ""
    """scientificName to import."""

    timezone: str = ""
    """IANA time zone of times without offset."""

    layout: str = CAMTRAP_DP
    """One of `spotted.formats.LAYOUTS`."""

    strict: bool = False
    """Whether doubtful values stop the import."""

    def read(self, survey_id: str = "") -> ImportedSurvey:
        """Read the files as they are now."""
        images_root, timezone = self.images_root or None, self.timezone or None
        cameras, species = self.cameras or None, self.species or None
        if self.layout == PUBLISHED_SET:
            return read_published(
                self.package, survey_id=survey_id, cameras=cameras, timezone=timezone, strict=self.strict
            )
        if self.layout == CATALOGUE:
            return read_catalogue(
                self.package,
                species=species,
                survey_id=survey_id,
                cameras=cameras,
                images_root=images_root,
                timezone=timezone,
                strict=self.strict,
            )
        if self.package:
            return read_camtrapdp(
                self.package,
                species=species,
                survey_id=survey_id,
                images_root=images_root,
                timezone=timezone,
                strict=self.strict,
            )
        return read_csv_survey(
            self.cameras,
            self.detections,
            survey_id=survey_id,
            species=species,
            images_root=images_root,
            timezone=timezone,
            strict=self.strict,
        )

    def write(self, target: Path, individuals: Mapping[str, str], *, overwrite: bool) -> tuple[str, ...]:
        """Write a copy of the files with the individuals filled in; notes for the user.

        individuals: individual id of each detection id.
        """
        if self.layout == PUBLISHED_SET:
            write_published(self.package, target, individuals, timezone=self.timezone, overwrite=overwrite)
        elif self.layout == CATALOGUE:
            write_catalogue(self.package, target, individuals, overwrite=overwrite)
        elif self.package:
            return write_camtrapdp(self.package, target, individuals, overwrite=overwrite)
        else:
            write_csv_survey(self.cameras, self.detections, target, individuals, overwrite=overwrite)
        return ()


def remember(directory: Path, survey_id: str, source: Source) -> None:
    """Record a survey's source in the data directory."""
    path = _path(directory, survey_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(source), indent=2))


def recall(directory: Path, survey_id: str) -> Source:
    """The recorded source of a survey. Raises NotFoundError if the directory has no record of it."""
    try:
        return Source(**json.loads(_path(directory, survey_id).read_text()))
    except FileNotFoundError as error:
        raise NotFoundError(
            f"survey {survey_id!r} was not imported into {directory}; run `spotted import` first"
        ) from error


def forget(directory: Path, survey_id: str) -> None:
    """Remove the record of a survey's source, if there is one."""
    _path(directory, survey_id).unlink(missing_ok=True)


def is_known(directory: Path, survey_id: str, source: Source) -> bool:
    """True if the survey was imported from this source before."""
    try:
        return recall(directory, survey_id) == source
    except NotFoundError:
        return False


def _path(directory: Path, survey_id: str) -> Path:
    return directory / "imports" / f"{survey_id}.json"
