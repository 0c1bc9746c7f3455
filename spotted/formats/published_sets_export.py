"""Published sets written as a catalogue, because their folders are the identities and are never renamed."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping
from datetime import UTC, datetime

from spotted.errors import InvalidInputError
from spotted.formats.catalogue import CATALOGUE_FILE
from spotted.formats.file_set import write_fileset
from spotted.formats.published_sets import read_published
from spotted.formats.row import absolute_path
from spotted.survey import Detection, Side

COLUMNS = ("image_id", "path", "identity", "date", "camera", "orientation")


def write_published(
    directory: str | os.PathLike[str],
    target_directory: str | os.PathLike[str],
    individuals: Mapping[str, str],
    *,
    timezone: str | None = None,
    overwrite: bool = False,
) -> None:
    """Write a published set as a catalogue (see `spotted.formats.catalogue`) with individuals filled in.

    directory, timezone: as for `read_published`; dates are written in UTC, paths relative to the folder.
    individuals: individual id by detection id; a detection without one keeps the animal of its folder.
    Raises InvalidInputError for a detection that the set lacks, AlreadyExistsError if the target is not empty
    and `overwrite` is False.
    """
    detections = read_published(directory, timezone=timezone or None).detections
    absent = individuals.keys() - {detection.detection_id for detection in detections}
    if absent:
        raise InvalidInputError(
            f"{directory} lacks {len(absent)} of the detections to write, such as {min(absent)}; export from "
            "the folder that was imported"
        )
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_cells(detection, individuals) for detection in detections)
    content = text.getvalue().encode()
    sources = {"catalogue of the set": absolute_path(directory) / CATALOGUE_FILE}
    write_fileset(
        absolute_path(target_directory), {CATALOGUE_FILE: content}, sources=sources, overwrite=overwrite
    )


def _cells(detection: Detection, individuals: Mapping[str, str]) -> tuple[str, ...]:
    time_s = detection.captured_at_s
    return (
        detection.detection_id,
        detection.detection_id,
        individuals.get(detection.detection_id) or detection.individual_id,
        "" if time_s is None else datetime.fromtimestamp(time_s, UTC).isoformat(sep=" "),
        detection.camera_id,
        "" if detection.side is Side.UNKNOWN else detection.side.name.lower(),
    )
