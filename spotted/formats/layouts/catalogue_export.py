"""Any survey written as a catalogue, for layouts that hold no cell for individuals."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from spotted.errors import InvalidInputError
from spotted.formats.catalogue import CATALOGUE_FILE
from spotted.formats.file_set import write_fileset
from spotted.formats.imported_survey import ImportedSurvey
from spotted.formats.picture import Picture
from spotted.formats.pixel_boxes import upright_size
from spotted.formats.row import absolute_path
from spotted.survey import Side

COLUMNS = ("image_id", "path", "identity", "date", "camera", "orientation")
BOX_COLUMN = "bbox"


def write_as_catalogue(
    imported: ImportedSurvey,
    directory: str | os.PathLike[str],
    target_directory: str | os.PathLike[str],
    individuals: Mapping[str, str],
    *,
    overwrite: bool = False,
) -> None:
    """Write a survey as a catalogue (see `spotted.formats.catalogue`) with individuals filled in.

    directory: the folder that paths are relative to; dates are written in UTC.
    individuals: individual id by detection id; a detection without one keeps its known individual.
    Raises InvalidInputError for a detection that the survey lacks, AlreadyExistsError if the target is not
    empty and `overwrite` is False.
    """
    root = absolute_path(directory)
    absent = individuals.keys() - {detection.detection_id for detection in imported.detections}
    if absent:
        raise InvalidInputError(
            f"{root} lacks {len(absent)} of the detections to write, such as {min(absent)}; export from "
            "the files that were imported"
        )
    columns = (*COLUMNS, BOX_COLUMN) if any(picture.box for picture in imported.pictures) else COLUMNS
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(_cells(picture, root, individuals)[: len(columns)] for picture in imported.pictures)
    sources = {"catalogue of the imported files": root / CATALOGUE_FILE}
    content = text.getvalue().encode()
    write_fileset(
        absolute_path(target_directory), {CATALOGUE_FILE: content}, sources=sources, overwrite=overwrite
    )


def _cells(picture: Picture, root: Path, individuals: Mapping[str, str]) -> tuple[str, ...]:
    detection, path = picture.detection, picture.path
    time_s = detection.captured_at_s
    return (
        detection.detection_id,
        "" if path is None else Path(os.path.relpath(path, root)).as_posix(),
        individuals.get(detection.detection_id) or detection.individual_id,
        "" if time_s is None else datetime.fromtimestamp(time_s, UTC).isoformat(sep=" "),
        detection.camera_id,
        "" if detection.side is Side.UNKNOWN else detection.side.name.lower(),
        _pixels(picture),
    )


def _pixels(picture: Picture) -> str:
    size = upright_size(picture.path) if picture.box and picture.path and picture.path.is_file() else None
    if size is None or picture.box is None:
        return ""
    x, y, width, height = picture.box
    wide, high = size
    return json.dumps([round(v, 2) for v in (x * wide, y * high, width * wide, height * high)])
