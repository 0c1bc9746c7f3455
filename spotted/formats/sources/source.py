"""The files that a survey was imported from, with the options of the import."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from spotted.formats.camtrapdp import read_camtrapdp, write_camtrapdp
from spotted.formats.catalogue import CATALOGUE_FILE, read_catalogue, write_catalogue
from spotted.formats.columns import Reading, read_mapped
from spotted.formats.csv_survey import read_csv_survey, write_csv_survey
from spotted.formats.imported_survey import ImportedSurvey, survey_slug, trust_clocks
from spotted.formats.layouts.camtrapr import read_camtrapr, station_table
from spotted.formats.layouts.catalogue_export import write_as_catalogue
from spotted.formats.layouts.coco import read_coco
from spotted.formats.layouts.programs import COCO, TIMELAPSE, TRAPTAGGER, WILDBOOK
from spotted.formats.layouts.recognition import (
    CAMTRAP_DP,
    CAMTRAPR,
    CATALOGUE,
    MAPPED,
    PHOTOGRAPHS,
    PUBLISHED_SET,
    WILDLIFE_INSIGHTS,
)
from spotted.formats.layouts.traptagger import read_traptagger
from spotted.formats.layouts.wildbook import read_wildbook
from spotted.formats.layouts.wildlife_insights import read_wildlife_insights
from spotted.formats.photographs import read_photographs, with_boxes
from spotted.formats.photographs.megadetector import CONFIDENCE
from spotted.formats.published_sets import read_published
from spotted.formats.published_sets_export import write_published

# layouts that are read as tables of their own and written as a catalogue
READERS = {COCO: read_coco, TRAPTAGGER: read_traptagger, WILDBOOK: read_wildbook}
# layouts that are read by a map of columns
MAPS = frozenset({MAPPED, TIMELAPSE})
EXPORTS = frozenset({CAMTRAPR, WILDLIFE_INSIGHTS, *MAPS, *READERS})


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

    station: str = ""
    """Pattern of paths that gives the stations of photographs."""

    boxes: str = ""
    """Absolute path of MegaDetector's JSON."""

    confidence: float = CONFIDENCE
    """Least confidence of a box."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """Columns of a table with any titles, by field."""

    camera_columns: Mapping[str, str] = field(default_factory=dict)
    """Columns of its table of cameras, by field."""

    date_format: str = ""
    """Form of days, e.g. `%d/%m/%Y`; found in the dates by default."""

    trusted_clocks: tuple[str, ...] = ()
    """Ids of the cameras whose times a person has confirmed; "" for none, whatever was confirmed before."""

    def is_of_files(self, other: Source) -> bool:
        """Whether two sources have the same files in the same layout."""
        return (self.layout, self.package, self.detections) == (other.layout, other.package, other.detections)

    def read(
        self, survey_id: str = "", *, on_progress: Callable[[int], None] = lambda _: None
    ) -> ImportedSurvey:
        """Read the files as they are now.

        on_progress: called with the number of photographs read since the last call.
        """
        imported = self.boxed(self._read_tables(survey_id, on_progress))
        trusted = [camera_id for camera_id in self.trusted_clocks if camera_id]
        return trust_clocks(imported, trusted) if trusted else imported

    def boxed(self, imported: ImportedSurvey) -> ImportedSurvey:
        """The survey of the tables with the boxes of the detector, if there are any."""
        if not self.boxes:
            return imported
        return with_boxes(
            imported,
            self.boxes,
            images_root=self.folder(),
            confidence=self.confidence,
            keep_empty=self.layout != PHOTOGRAPHS,
        )

    def _read_tables(self, survey_id: str, on_progress: Callable[[int], None]) -> ImportedSurvey:
        """The survey without the boxes of a detector."""
        images_root, timezone = self.images_root or None, self.timezone or None
        cameras, species = self.cameras or None, self.species or None
        if self.layout == PHOTOGRAPHS:
            return read_photographs(
                self.package,
                survey_id=survey_id,
                station=self.station,
                cameras=cameras,
                timezone=timezone,
                strict=self.strict,
                on_progress=on_progress,
            )
        if self.layout == PUBLISHED_SET:
            return read_published(
                self.package, survey_id=survey_id, cameras=cameras, timezone=timezone, strict=self.strict
            )
        if self.layout in {CATALOGUE, *EXPORTS}:
            return self._read_export(survey_id)
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

    def _read_export(self, survey_id: str) -> ImportedSurvey:
        """The survey of the tables of another program."""
        images_root, timezone, species = self.images_root or None, self.timezone or None, self.species or None
        if self.layout == CATALOGUE:
            return read_catalogue(
                self.package,
                species=species,
                survey_id=survey_id,
                cameras=self.cameras or None,
                images_root=images_root,
                timezone=timezone,
                strict=self.strict,
            )
        if self.layout in {*MAPS, *READERS}:
            return self._read_table(survey_id or survey_slug(Path(self.package).stem))
        if self.layout == CAMTRAPR:
            return read_camtrapr(
                self.package,
                self.cameras or station_table(Path(self.package)),
                survey_id=survey_id,
                species=species,
                images_root=images_root,
                timezone=timezone,
                date_format=self.date_format,
                strict=self.strict,
            )
        return read_wildlife_insights(
            self.package,
            survey_id=survey_id,
            species=species,
            images_root=images_root,
            timezone=timezone,
            date_format=self.date_format,
            strict=self.strict,
        )

    def _read_table(self, survey_id: str) -> ImportedSurvey:
        """The survey of a table with titles of its own, or of one that is read like it."""
        reading = Reading(
            survey_id,
            self.folder(),
            species=self.species or None,
            timezone=self.timezone or None,
            date_format=self.date_format,
            station=self.station,
            strict=self.strict,
        )
        cameras = self.cameras or None
        if self.layout in READERS:
            return READERS[self.layout](self.package, reading, cameras=cameras)
        return read_mapped(
            self.package, self.columns, reading, cameras=cameras, camera_columns=self.camera_columns
        )

    def write(self, target: Path, individuals: Mapping[str, str], *, overwrite: bool) -> tuple[str, ...]:
        """Write a copy of the files with the individuals filled in; notes for the user.

        individuals: individual id of each detection id.
        """
        if self.layout in {PHOTOGRAPHS, *EXPORTS} or self._has_more(individuals):
            write_as_catalogue(self.read(), self.folder(), target, individuals, overwrite=overwrite)
        elif self.layout == PUBLISHED_SET:
            write_published(self.package, target, individuals, timezone=self.timezone, overwrite=overwrite)
        elif self.layout == CATALOGUE:
            write_catalogue(self.package, target, individuals, overwrite=overwrite)
        elif self.package:
            return write_camtrapdp(self.package, target, individuals, overwrite=overwrite)
        else:
            write_csv_survey(self.cameras, self.detections, target, individuals, overwrite=overwrite)
        return ()

    def copied_to(self, target: Path) -> Source:
        """The source of the copy that `write` made in a directory; its photographs stay where they are."""
        own = replace(self, images_root=str(self.folder()))
        if (target / CATALOGUE_FILE).is_file():
            return replace(own, layout=CATALOGUE, package=str(target), detections="", boxes="")
        if self.package:
            return replace(own, package=str(target))
        cameras, detections = (str(target / Path(table).name) for table in (self.cameras, self.detections))
        return replace(own, cameras=cameras, detections=detections)

    def folder(self) -> Path:
        """The folder that image paths are relative to."""
        files = Path(self.images_root or self.package or self.detections)
        # a folder that was moved away is still the one that was imported
        return files.parent if files.is_file() else files

    def _has_more(self, individuals: Mapping[str, str]) -> bool:
        """Whether boxes have split rows of the tables into several detections, which no table can hold."""
        if not self.boxes:
            return False
        rows = {d.detection_id for d in self._read_tables("", lambda _: None).detections}
        return not individuals.keys() <= rows
