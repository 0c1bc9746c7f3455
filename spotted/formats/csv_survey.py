"""A survey as two plain CSV files, one of cameras and one of detections.

cameras: see `spotted.formats.cameras.table`.
detections: camera_id, timestamp; optional detection_id, image (a path), image_id, species, side (left, right,
front, back or their first letters), encounter_id, individual_id, box_x, box_y, box_width, box_height
(fractions of the image). Other columns are ignored; `write_csv_survey` copies them.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from pathlib import Path

from spotted.formats.cameras.periods import CameraTable
from spotted.formats.cameras.table import read_cameras
from spotted.formats.csv_cells import fill_individuals, plain_text
from spotted.formats.csv_table import check_columns, read_table
from spotted.formats.file_set import write_fileset
from spotted.formats.image_files import ImageFolder
from spotted.formats.imported_survey import (
    SIDES,
    ImportedSurvey,
    assemble,
    format_count,
    survey_slug,
)
from spotted.formats.picture import Picture
from spotted.formats.problems import Problems
from spotted.formats.row import LARGEST_DEG, LONGEST_ID, Row, absolute_path
from spotted.formats.species import select_species
from spotted.formats.timestamps import time_zone
from spotted.survey import Camera, Detection, Side

SPECIES_COLUMNS = ("species", "scientificName")
BOX_COLUMNS = ("box_x", "box_y", "box_width", "box_height")
COLUMNS = (
    "camera_id",
    "timestamp",
    "detection_id",
    "image",
    "image_id",
    *SPECIES_COLUMNS,
    "side",
    "encounter_id",
    "individual_id",
    *BOX_COLUMNS,
)
# identify a detection without id; never its individual, which an export fills in
IDENTIFYING_COLUMNS = ("camera_id", "timestamp", "image", *BOX_COLUMNS)


class DetectionIds:
    """The detection ids of the rows of one table, requested in row order.

    A row without detection_id gets one from its camera, time, image and box; rows equal in all of them are
    numbered, so an id stays the same when rows are added after it or filled in.
    """

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def of(self, cells: Mapping[str, str]) -> str:
        """The id of the next row."""
        own = plain_text(cells.get("detection_id", ""))
        if own:
            return own
        identifying = "\0".join(cells.get(column, "").strip() for column in IDENTIFYING_COLUMNS)
        digest = hashlib.sha256(identifying.encode()).hexdigest()[:16]
        self._seen[digest] += 1
        repeat = self._seen[digest]
        return f"d-{digest}" if repeat == 1 else f"d-{digest}-{repeat}"


def read_csv_survey(
    cameras: str | os.PathLike[str],
    detections: str | os.PathLike[str],
    *,
    survey_id: str = "",
    species: str | None = None,
    images_root: str | os.PathLike[str] | None = None,
    timezone: str | None = None,
    strict: bool = False,
    undated: bool = False,
) -> ImportedSurvey:
    r"""The survey of a table of cameras and a table of detections.

    survey_id: derived from the directory of `detections` by default.
    species: required if the column `species` names more than one.
    images_root: the folder that image paths are relative to, by default that of `detections`.
    timezone: IANA name or offset of the cameras' clocks, for times without offset.
    strict: whether doubtful values stop the import, instead of being left out with a note.
    undated: whether a survey without any time gets an arbitrary day, and a note, instead of an error.
    Raises InvalidInputError that lists the first ten wrong values by file, row, column and value.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cameras, detections = Path(folder, "cameras.csv"), Path(folder, "detections.csv")
    ...     _ = cameras.write_text("camera_id,x_m,y_m\nC1,0,0\nC2,300,400\n")
    ...     _ = detections.write_text(
    ...         "detection_id,camera_id,timestamp,side,individual_id\n"
    ...         "d1,C1,2024-05-01T06:00:00,left,Asha\n"
    ...         "d2,C2,2024-05-01T07:30:00,left,\n"
    ...     )
    ...     imported = read_csv_survey(cameras, detections, survey_id="ridge", timezone="+02:00")
    >>> imported.survey.survey_id, len(imported.survey.cameras)
    ('ridge', 2)
    >>> [(d.detection_id, d.side.name, d.individual_id) for d in imported.detections]
    [('d1', 'LEFT', 'Asha'), ('d2', 'LEFT', '')]
    """
    table = absolute_path(detections)
    zone = time_zone(timezone) if timezone else None
    root = absolute_path(images_root or table.parent)
    problems = Problems(strict=strict)
    known = read_cameras(absolute_path(cameras), zone, problems)
    rows = _distinct(table, problems)
    column = next((c for c in SPECIES_COLUMNS if any(c in row.cells for row in rows.values())), "species")
    selected = select_species([*rows.values()], species, column=column, table=table.name)
    numbers = {row.number for row in selected}
    folder = ImageFolder(root)
    pictures = [
        _picture(row, detection_id, known, zone, folder)
        for detection_id, row in rows.items()
        if row.number in numbers
    ]
    problems.raise_any()
    survey_id = survey_id or survey_slug(table.parent.name)
    notes = [*_notes(known.cameras, pictures, len(rows) - len(selected)), *known.notes()]
    return assemble(
        survey_id,
        "",
        known.cameras,
        known.positions,
        pictures,
        notes,
        problems=problems,
        stations=known.stations(),
        undated=undated,
    )


def write_csv_survey(
    cameras: str | os.PathLike[str],
    detections: str | os.PathLike[str],
    target_directory: str | os.PathLike[str],
    individuals: Mapping[str, str],
    *,
    overwrite: bool = False,
) -> None:
    """Copy both tables, with `individual_id` of the detections filled in and every other byte unchanged.

    individuals: individual id by detection id; "" leaves a cell as it is. The column is appended if the
    table lacks it. Raises InvalidInputError for a detection that the table lacks, AlreadyExistsError if the
    target is not empty and `overwrite` is False.
    """
    table = absolute_path(detections)
    reads = ("detection_id", *IDENTIFYING_COLUMNS)
    filled = fill_individuals(table, "individual_id", individuals, DetectionIds().of, reads=reads)
    sources = {"cameras table": absolute_path(cameras), "detections table": table}
    contents: dict[str, bytes | Path] = {
        absolute_path(cameras).name: absolute_path(cameras),
        table.name: filled,
    }
    write_fileset(absolute_path(target_directory), contents, sources=sources, overwrite=overwrite)


def _distinct(path: Path, problems: Problems) -> dict[str, Row]:
    """The rows by detection id; an id repeated with other content is recorded as wrong."""
    ids = DetectionIds()
    rows: dict[str, Row] = {}
    seen: dict[tuple[str, ...], Row] = {}
    for row in read_table(path, ("camera_id", "timestamp"), problems):
        if not rows:
            check_columns(row, COLUMNS)
        detection_id = ids.of(row.cells)
        first = rows.setdefault(detection_id, row)
        same = seen.setdefault(tuple(row.cells.values()), row)
        if first is row and same is not row and row.text("image"):
            # without an image two equal rows may be two animals
            del rows[detection_id]
            problems.remark(
                f"{row.name} repeats row {same.number} and is left out", cause=(row.file, "repeat")
            )
        elif first is row:
            row.identifier("detection_id", required=False)
        elif first.cells != row.cells:
            row.wrong(
                "detection_id",
                f"is also in row {first.number}, with other content; give each row its own id",
                cause="twice",
            )
    return rows


def _picture(
    row: Row, detection_id: str, known: CameraTable, zone: tzinfo | None, folder: ImageFolder
) -> Picture:
    captured_at_s = row.instant("timestamp", zone)
    image = folder.path(row, "image")
    detection = Detection(
        detection_id=detection_id,
        camera_id=_camera_id(row, known, captured_at_s),
        captured_at_s=captured_at_s,
        # two rows with one image are two animals in it
        image_id=row.identifier("image_id", required=False) or row.text("image")[-LONGEST_ID:],
        side=_side(row),
        encounter_id=row.identifier("encounter_id", required=False),
        individual_id=row.individual("individual_id"),
        image_uri=str(image or ""),
        species=row.identifier("species", required=False),
    )
    return Picture(detection, image, row.box(BOX_COLUMNS), row.name)


def _camera_id(row: Row, known: CameraTable, captured_at_s: float | None) -> str:
    """The camera of a row in the period that contains its time, "" if it is unknown."""
    written = row.identifier("camera_id", required=False)
    if not written:
        return ""
    if written not in known.cameras:
        row.wrong("camera_id", "is not in the table of cameras; add the camera or correct the id")
        return ""
    camera_id = known.camera_at(written, captured_at_s)
    if not camera_id:
        row.doubt(
            "camera_id",
            "was moved, and this photograph may be from before or after; its position is taken as unknown; "
            "write the times of the move in start and end",
        )
    return camera_id


def _side(row: Row) -> Side:
    text = row.text("side").lower()
    if text and text not in SIDES:
        row.doubt("side", "is not a side; taken as unknown; write left, right, front, back or unknown")
    return SIDES.get(text, Side.UNKNOWN)


def _notes(cameras: Mapping[str, Camera], pictures: Sequence[Picture], others: int) -> list[str]:
    notes = [f"{format_count(others, 'row')} skipped: other species"] if others else []
    if not cameras:
        notes.append("no camera found")
    without_camera = sum(not picture.detection.camera_id for picture in pictures)
    if without_camera:
        notes.append(f"{format_count(without_camera, 'detection')} without a camera; feasibility unknown")
    latitude, longitude = LARGEST_DEG
    positions = [(c.x_m, c.y_m) for c in cameras.values() if c.x_m is not None and c.y_m is not None]
    if positions and all(abs(x) <= longitude and abs(y) <= latitude for x, y in positions):
        notes.append("x_m and y_m look like degrees; name columns in degrees longitude and latitude")
    return notes
