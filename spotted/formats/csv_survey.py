"""A survey as two plain CSV files, one of cameras and one of detections.

cameras: camera_id; x_m and y_m (metres, one projection for all) or latitude and longitude (WGS84);
optional start, end (a day or a date and time), location_uncertainty_m, clock_suspect.
detections: camera_id, timestamp; optional detection_id, image (a path), image_id, side (left, right,
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

from spotted.errors import InvalidInputError
from spotted.formats.csv_cells import fill_individuals
from spotted.formats.csv_table import read_table
from spotted.formats.file_set import write_fileset
from spotted.formats.imported_survey import (
    LARGEST_DEG,
    SIDES,
    ImportedSurvey,
    assemble,
    format_count,
    survey_slug,
)
from spotted.formats.picture import Picture
from spotted.formats.row import (
    LONGEST_ID,
    Problems,
    Row,
    absolute_path,
    check_camera_period,
    check_captured,
    distinct_rows,
    image_path,
)
from spotted.formats.timestamps import time_zone
from spotted.survey import Camera, Detection, Side

BOX_COLUMNS = ("box_x", "box_y", "box_width", "box_height")
# identify a detection without id; never its individual, which an export fills in
IDENTIFYING_COLUMNS = ("camera_id", "timestamp", "image", *BOX_COLUMNS)
FARTHEST_M = 1e8

Positions = dict[str, tuple[float, float]]


class DetectionIds:
    """The detection ids of the rows of one table, requested in row order.

    A row without detection_id gets one from its camera, time, image and box; rows equal in all of them are
    numbered, so an id stays the same when rows are added after it or filled in.
    """

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def of(self, cells: Mapping[str, str]) -> str:
        """The id of the next row."""
        own = cells.get("detection_id", "").strip()
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
    images_root: str | os.PathLike[str] | None = None,
    timezone: str | None = None,
) -> ImportedSurvey:
    r"""The survey of a table of cameras and a table of detections.

    survey_id: derived from the directory of `detections` by default.
    images_root: the folder that image paths are relative to, by default that of `detections`.
    timezone: IANA name or offset of the cameras' clocks, for times without offset.
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
    problems = Problems()
    known, positions = read_cameras(absolute_path(cameras), zone, problems)
    pictures = _pictures(table, known, zone, root, problems)
    problems.raise_any()
    survey_id = survey_id or survey_slug(table.parent.name)
    return assemble(survey_id, "", known, positions, pictures, _notes(known, pictures))


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


def read_cameras(path: Path, zone: tzinfo | None, problems: Problems) -> tuple[dict[str, Camera], Positions]:
    """The cameras of a table by id, and latitude and longitude of those without metres.

    Wrong values are recorded in `problems`. Raises InvalidInputError like `read_table`, and if the table has
    neither pair of coordinates.
    """
    cameras: dict[str, Camera] = {}
    positions: Positions = {}
    for row in distinct_rows(read_table(path, ("camera_id",), problems), "camera_id"):
        metres = None
        if {"x_m", "y_m"} <= row.cells.keys():
            metres = row.pair("x_m", "y_m", (FARTHEST_M, FARTHEST_M))
        elif {"latitude", "longitude"} <= row.cells.keys():
            degrees = row.pair("latitude", "longitude", LARGEST_DEG)
            positions |= {row.text("camera_id"): degrees} if degrees else {}
        else:
            raise InvalidInputError(
                f"{path} has neither x_m and y_m nor latitude and longitude; add one pair of columns"
            )
        x_m, y_m = metres or (None, None)
        camera = _camera(row, x_m, y_m, zone)
        check_camera_period(row, "start", "end", camera)
        cameras[camera.camera_id] = camera
    return cameras, positions


def _camera(row: Row, x_m: float | None, y_m: float | None, zone: tzinfo | None) -> Camera:
    return Camera(
        row.text("camera_id"),
        x_m=x_m,
        y_m=y_m,
        start_s=row.day("start", zone, end=False),
        end_s=row.day("end", zone, end=True),
        location_uncertainty_m=row.number_between("location_uncertainty_m", 0.0, FARTHEST_M) or 0.0,
        clock_suspect=row.flag("clock_suspect"),
    )


def _pictures(
    path: Path, cameras: Mapping[str, Camera], zone: tzinfo | None, images_root: Path, problems: Problems
) -> list[Picture]:
    ids = DetectionIds()
    first_of: dict[str, Row] = {}
    pictures: list[Picture] = []
    for row in read_table(path, ("camera_id", "timestamp"), problems):
        detection_id = ids.of(row.cells)
        first = first_of.setdefault(detection_id, row)
        if first is row:
            row.identifier("detection_id", required=False)
            pictures.append(_picture(row, detection_id, cameras, zone, images_root))
        elif first.cells != row.cells:
            row.wrong(
                "detection_id", f"is also in row {first.number}, with other content; give each row its own id"
            )
    return pictures


def _picture(
    row: Row, detection_id: str, cameras: Mapping[str, Camera], zone: tzinfo | None, images_root: Path
) -> Picture:
    camera_id = row.text("camera_id")
    captured_at_s = row.instant("timestamp", zone)
    if camera_id in cameras:
        check_captured(row, "timestamp", captured_at_s, cameras[camera_id])
    elif camera_id:
        row.wrong("camera_id", "is not in the table of cameras; add the camera or correct the id")
    image = image_path(row, "image", images_root)
    detection = Detection(
        detection_id=detection_id,
        camera_id=camera_id,
        captured_at_s=captured_at_s,
        # two rows with one image are two animals in it
        image_id=row.identifier("image_id", required=False) or row.text("image")[-LONGEST_ID:],
        side=_side(row),
        encounter_id=row.identifier("encounter_id", required=False),
        individual_id=row.identifier("individual_id", required=False),
        image_uri=str(image or ""),
        species=row.identifier("species", required=False),
    )
    return Picture(detection, image, row.box(BOX_COLUMNS))


def _side(row: Row) -> Side:
    text = row.text("side").lower()
    if text and text not in SIDES:
        row.wrong("side", "is not a side; write left, right, front, back or unknown")
    return SIDES.get(text, Side.UNKNOWN)


def _notes(cameras: Mapping[str, Camera], pictures: Sequence[Picture]) -> list[str]:
    notes = []
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
