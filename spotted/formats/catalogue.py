"""Catalogues of photographs as wildlife-datasets writes them: one CSV, a row an animal in an image.

Columns path and identity; optional image_id, date, camera, orientation, species, encounter, and bbox, a JSON
list x, y, width, height in pixels of the upright image. Other columns are kept by `write_catalogue` and
otherwise ignored. Places come from a table of cameras beside the catalogue, where there is one.
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
from spotted.formats.csv_cells import fill_individuals
from spotted.formats.csv_table import read_table
from spotted.formats.file_set import write_fileset
from spotted.formats.imported_survey import SIDES, ImportedSurvey, counted, survey_slug
from spotted.formats.picture import Picture
from spotted.formats.pixel_boxes import pixel_box
from spotted.formats.row import LONGEST_ID, MISSING, Problems, Row, absolute, image_path
from spotted.survey import Detection, Side

FILE = "catalogue.csv"
COLUMNS = ("path", "identity")
# how wildlife-datasets calls an animal that nobody knows
UNKNOWN = "unknown"
IDENTIFYING_COLUMNS = ("image_id", "path")
# leaves room for a count
LONGEST_PATH = LONGEST_ID - 8
# a date without an hour says nothing of journeys within a day
_DAY = re.compile(r"\d{4}(-\d\d(-\d\d)?)?", re.ASCII)


class CatalogueIds:
    """The detection ids of the rows of one catalogue, asked in its order: image_id, or else the path.

    Rows without image_id whose path is that of an earlier one are counted.
    """

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def of(self, cells: Mapping[str, str]) -> str:
        """The id of the next row."""
        own = cells.get("image_id", "").strip()
        if own not in MISSING:
            return own
        path = cells.get("path", "").strip()[-LONGEST_PATH:]
        self._seen[path] += 1
        return path if self._seen[path] == 1 else f"{path}#{self._seen[path]}"


@dataclass(slots=True)
class _Reading:
    """What is read of a catalogue: rows whose date is a day, orientations that are no side."""

    images_root: Path
    zone: tzinfo
    days: int = 0
    no_sides: Counter[str] = field(default_factory=Counter)

    def notes(self) -> list[str]:
        notes = []
        if self.days:
            notes.append(
                f"{counted(self.days, 'date')} without an hour, so these times are unknown: a day says "
                "nothing of journeys within it"
            )
        if self.no_sides:
            texts = ", ".join(f"{text!r} ({count:,})" for text, count in self.no_sides.most_common(5))
            notes.append(f"orientations that are no side, taken as unknown: {texts}")
        return notes


def read_catalogue(
    catalogue: str | os.PathLike[str],
    *,
    survey_id: str = "",
    species: str | None = None,
    cameras: str | os.PathLike[str] | None = None,
    images_root: str | os.PathLike[str] | None = None,
    timezone: str | None = None,
) -> ImportedSurvey:
    """The survey of a catalogue.

    catalogue: the CSV, or a directory that holds it as catalogue.csv.
    survey_id: by default made from the catalogue's directory.
    species: needed where the catalogue holds several.
    cameras: table of cameras as of `spotted.formats.csv_survey`, by default cameras.csv beside the catalogue.
    images_root: the folder that paths count from, by default the catalogue's; no image lies outside it.
    timezone: IANA name or offset of the cameras' clocks, for dates without offset; by default UTC, noted.
    Raises InvalidInputError for a column that is missing, and with the first ten wrong values by file, row
    (as a spreadsheet counts), column and value.
    """
    table = catalogue_file(catalogue)
    zone, assumed = clock_zone(timezone)
    reading = _Reading(absolute(images_root or table.parent), zone)
    problems = Problems()
    rows = _distinct(table, problems)
    problems.raise_any()
    chosen, notes = _of_species(rows, species)
    reads_days = _are_days([row.text("date") for row in chosen.values()])
    pictures = [
        _picture(row, detection_id, reading, reads_days=reads_days) for detection_id, row in chosen.items()
    ]
    problems.raise_any()
    beside = table.parent / "cameras.csv"
    places = absolute(cameras) if cameras else beside if beside.is_file() else None
    timed = any(picture.detection.captured_at_s is not None for picture in pictures)
    notes += [*(assumed if timed else []), *reading.notes()]
    survey_id = survey_id or survey_slug(table.parent.name)
    return survey_of_photographs(survey_id, "", pictures, places, zone, notes)


def write_catalogue(
    catalogue: str | os.PathLike[str],
    target_directory: str | os.PathLike[str],
    individuals: Mapping[str, str],
    *,
    overwrite: bool = False,
) -> None:
    """A copy of a catalogue with `identity` filled; all other bytes are kept.

    individuals: individual id by detection id; "" leaves a cell as it is. Raises InvalidInputError for a
    detection that the catalogue lacks, AlreadyExistsError where the target is not empty and may not be
    overwritten.
    """
    table = catalogue_file(catalogue)
    filled = fill_individuals(table, "identity", individuals, CatalogueIds().of, reads=IDENTIFYING_COLUMNS)
    write_fileset(
        absolute(target_directory), {table.name: filled}, sources={"catalogue": table}, overwrite=overwrite
    )


def catalogue_file(catalogue: str | os.PathLike[str]) -> Path:
    """The CSV of a catalogue. Raises InvalidInputError for a directory without catalogue.csv."""
    path = absolute(catalogue)
    if not path.is_dir():
        return path
    if not (path / FILE).is_file():
        raise InvalidInputError(f"{path} has no {FILE}; give the path of the catalogue's CSV")
    return path / FILE


def _distinct(table: Path, problems: Problems) -> dict[str, Row]:
    """The rows by their detection ids; an id that comes again with other content is noted."""
    ids = CatalogueIds()
    rows: dict[str, Row] = {}
    for row in read_table(table, COLUMNS, problems):
        detection_id = ids.of(row.cells)
        if not row.text("path"):
            row.wrong("path", "is missing; every row needs the path of its image")
        row.identifier("image_id", required=False)
        first = rows.setdefault(detection_id, row)
        if first.cells != row.cells:
            row.wrong("image_id", f"is also in row {first.number}, with other content; give each row its own")
    return rows


def _of_species(rows: Mapping[str, Row], species: str | None) -> tuple[dict[str, Row], list[str]]:
    """The rows of the species asked for, or of the only one there is."""
    counts = Counter(row.text("species") for row in rows.values())
    listed = ", ".join(f"{title or '(none)'} ({count:,})" for title, count in counts.most_common())
    if species is None:
        if len(counts) > 1:
            raise InvalidInputError(
                f"the catalogue holds several species: {listed}; choose one with species", field="species"
            )
        return dict(rows), []
    chosen = {
        i: row for i, row in rows.items() if row.text("species").casefold() == species.strip().casefold()
    }
    if not chosen:
        raise InvalidInputError(
            f"no row of the catalogue is of {species!r}; there are {listed}", field="species"
        )
    others = len(rows) - len(chosen)
    return chosen, [f"{counted(others, 'row')} passed over: of other species"] if others else []


def _are_days(dates: Sequence[str]) -> bool:
    """Whether dates are days, though written with an hour: pandas writes days as midnight."""
    timed = [date for date in dates if date and not _DAY.fullmatch(date)]
    return len(timed) > 1 and all(re.search(r"[T ]00:00(:00(\.0+)?)?", date) for date in timed)


def _picture(row: Row, detection_id: str, reading: _Reading, *, reads_days: bool) -> Picture:
    path = image_path(row, "path", reading.images_root)
    identity = row.identifier("identity", required=False)
    detection = Detection(
        detection_id=detection_id,
        camera_id=row.identifier("camera", required=False),
        captured_at_s=_captured_at_s(row, reading, reads_days=reads_days),
        # two rows with one path are two animals in its image
        image_id=row.text("path")[-LONGEST_ID:],
        side=_side(row, reading),
        encounter_id=row.identifier("encounter", required=False),
        individual_id="" if identity.lower() == UNKNOWN else identity,
        image_uri=str(path or ""),
    )
    return Picture(detection, path, pixel_box(row, "bbox", path))


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
