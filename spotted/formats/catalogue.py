"""Catalogues of photographs in the format of wildlife-datasets: one CSV, one row per animal and image.

Columns path and identity; optional image_id, date, camera, orientation, species, encounter, and bbox, a JSON
list x, y, width, height in pixels of the upright image. Other columns are ignored; `write_catalogue` copies
them. Locations come from an optional table of cameras.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path

from spotted.errors import InvalidInputError
from spotted.formats.camera_table import clock_zone, survey_of_photographs
from spotted.formats.csv_cells import fill_individuals, plain_text
from spotted.formats.csv_table import read_table
from spotted.formats.file_set import write_fileset
from spotted.formats.image_files import ImageFolder
from spotted.formats.imported_survey import SIDES, ImportedSurvey, format_count, survey_slug
from spotted.formats.picture import Picture
from spotted.formats.pixel_boxes import read_pixel_box
from spotted.formats.problems import Problems
from spotted.formats.row import LONGEST_ID, MISSING, Row, absolute_path
from spotted.formats.species import select_species
from spotted.survey import Detection, Side

CATALOGUE_FILE = "catalogue.csv"
COLUMNS = ("path", "identity")
# how wildlife-datasets marks an unknown animal
UNKNOWN = "unknown"
IDENTIFYING_COLUMNS = ("image_id", "path")
# leaves room for a number
LONGEST_PATH = LONGEST_ID - 8
# a date without an hour cannot rule out journeys within the day
_DAY = re.compile(r"\d{4}(-\d\d(-\d\d)?)?", re.ASCII)


class CatalogueIds:
    """The detection ids of the rows of one catalogue, requested in row order: image_id, or else the path.

    Rows without image_id that repeat the path of an earlier row are numbered.
    """

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def of(self, cells: Mapping[str, str]) -> str:
        """The id of the next row."""
        own = plain_text(cells.get("image_id", ""))
        if own not in MISSING:
            return own
        path = cells.get("path", "").strip()[-LONGEST_PATH:]
        self._seen[path] += 1
        return path if self._seen[path] == 1 else f"{path}#{self._seen[path]}"


@dataclass(slots=True)
class _Reading:
    """State of one import, with counts of dates without an hour and of unknown orientations."""

    folder: ImageFolder
    zone: tzinfo
    days: int = 0
    no_sides: Counter[str] = field(default_factory=Counter)

    def notes(self) -> list[str]:
        notes = []
        if self.days:
            notes.append(
                f"{format_count(self.days, 'date')} without an hour, taken as unknown: a day cannot rule out "
                "journeys within it"
            )
        if self.no_sides:
            texts = ", ".join(f"{text!r} ({count:,})" for text, count in self.no_sides.most_common(5))
            notes.append(f"orientations other than a side, taken as unknown: {texts}")
        return notes


def read_catalogue(
    catalogue: str | os.PathLike[str],
    *,
    survey_id: str = "",
    species: str | None = None,
    cameras: str | os.PathLike[str] | None = None,
    images_root: str | os.PathLike[str] | None = None,
    timezone: str | None = None,
    strict: bool = False,
) -> ImportedSurvey:
    """The survey of a catalogue.

    catalogue: the CSV, or a directory that contains it as catalogue.csv.
    survey_id: derived from the directory of the catalogue by default.
    species: required if the catalogue contains several.
    cameras: table of cameras (see `spotted.formats.cameras.table`); by default cameras.csv beside the
        catalogue.
    images_root: the folder that paths are relative to, by default the catalogue's; no image may lie outside.
    timezone: IANA name or offset of the cameras' clocks, for dates without offset; by default UTC and a note.
    strict: whether doubtful values stop the import, instead of being left out with a note.
    Raises InvalidInputError for a missing column, and with the first ten wrong values by file, row (as in a
    spreadsheet), column and value.
    """
    table = catalogue_file(catalogue)
    zone, assumed = clock_zone(timezone)
    reading = _Reading(ImageFolder(absolute_path(images_root or table.parent)), zone)
    problems = Problems(strict=strict)
    rows = _distinct(table, problems)
    problems.raise_any()
    selected = select_species(list(rows.values()), species, column="species", table="the catalogue")
    others = len(rows) - len(selected)
    notes = [f"{format_count(others, 'row')} skipped: other species"] if others else []
    reads_days = _are_days([row.text("date") for row in selected])
    numbers = {row.number for row in selected}
    pictures = [
        _picture(row, detection_id, reading, reads_days=reads_days)
        for detection_id, row in rows.items()
        if row.number in numbers
    ]
    problems.raise_any()
    beside = table.parent / "cameras.csv"
    camera_table = absolute_path(cameras) if cameras else beside if beside.is_file() else None
    timed = any(picture.detection.captured_at_s is not None for picture in pictures)
    notes += [*(assumed if timed else []), *reading.notes()]
    survey_id = survey_id or survey_slug(table.parent.name)
    return survey_of_photographs(survey_id, "", pictures, camera_table, zone, notes, problems=problems)


def write_catalogue(
    catalogue: str | os.PathLike[str],
    target_directory: str | os.PathLike[str],
    individuals: Mapping[str, str],
    *,
    overwrite: bool = False,
) -> None:
    """Copy a catalogue, with `identity` filled in and every other byte unchanged.

    individuals: individual id by detection id; "" leaves a cell as it is. Raises InvalidInputError for a
    detection that the catalogue lacks, AlreadyExistsError if the target is not empty and `overwrite` is
    False.
    """
    table = catalogue_file(catalogue)
    filled = fill_individuals(table, "identity", individuals, CatalogueIds().of, reads=IDENTIFYING_COLUMNS)
    write_fileset(
        absolute_path(target_directory),
        {table.name: filled},
        sources={"catalogue": table},
        overwrite=overwrite,
    )


def catalogue_file(catalogue: str | os.PathLike[str]) -> Path:
    """The CSV of a catalogue. Raises InvalidInputError for a directory without catalogue.csv."""
    path = absolute_path(catalogue)
    if not path.is_dir():
        return path
    if not (path / CATALOGUE_FILE).is_file():
        raise InvalidInputError(f"{path} has no {CATALOGUE_FILE}; give the path of the catalogue")
    return path / CATALOGUE_FILE


def _distinct(table: Path, problems: Problems) -> dict[str, Row]:
    """The rows by detection id; an id repeated with other content is recorded as wrong."""
    ids = CatalogueIds()
    rows: dict[str, Row] = {}
    for row in read_table(table, COLUMNS, problems):
        detection_id = ids.of(row.cells)
        if not row.text("path"):
            row.wrong("path", "is missing; every row needs the path of its image")
        row.identifier("image_id", required=False)
        first = rows.setdefault(detection_id, row)
        if first.cells != row.cells:
            row.wrong(
                "image_id", f"is also in row {first.number}, with other content; give each row its own id"
            )
    return rows


def _are_days(dates: Sequence[str]) -> bool:
    """Whether dates with an hour are really days: pandas writes days as midnight."""
    timed = [date for date in dates if date and not _DAY.fullmatch(date)]
    return len(timed) > 1 and all(re.search(r"[T ]00:00(:00(\.0+)?)?", date) for date in timed)


def _picture(row: Row, detection_id: str, reading: _Reading, *, reads_days: bool) -> Picture:
    path = reading.folder.path(row, "path")
    detection = Detection(
        detection_id=detection_id,
        camera_id=row.identifier("camera", required=False),
        captured_at_s=_captured_at_s(row, reading, reads_days=reads_days),
        # two rows with one path are two animals in its image
        image_id=row.text("path")[-LONGEST_ID:],
        side=_side(row, reading),
        encounter_id=row.identifier("encounter", required=False),
        individual_id=row.individual("identity"),
        image_uri=str(path or ""),
        species=row.identifier("species", required=False),
    )
    return Picture(detection, path, read_pixel_box(row, "bbox", path), row.name)


def _captured_at_s(row: Row, reading: _Reading, *, reads_days: bool) -> float | None:
    date = row.text("date")
    if date and (reads_days or _DAY.fullmatch(date)):
        reading.days += 1
        return None
    return row.instant("date", reading.zone)


def _side(row: Row, reading: _Reading) -> Side:
    text = row.text("orientation")
    side = SIDES.get(text.lower(), Side.UNKNOWN)
    if text and side is Side.UNKNOWN and text.lower() != UNKNOWN:
        reading.no_sides[text] += 1
    return side
