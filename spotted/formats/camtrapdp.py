"""Camtrap DP 1.0 packages as surveys (https://camtrap-dp.tdwg.org).

A deployment is a camera, a media file an image, a media-based observation of an animal a detection:
observationID becomes detection_id, mediaID image_id, eventID encounter_id, individualID individual_id.
An event may contain several animals, and so may its encounter; a note says so if an image of an event shows
more than one animal.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path

from spotted.formats.camtrapdp_package import Package, open_package
from spotted.formats.csv_table import read_table
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
    Problems,
    Row,
    absolute_path,
    check_camera_period,
    check_captured,
    distinct_rows,
    image_path,
)
from spotted.formats.species import select_species
from spotted.formats.timestamps import time_zone
from spotted.survey import Camera, Detection, Side

DEPLOYMENT_COLUMNS = ("deploymentID", "latitude", "longitude", "deploymentStart", "deploymentEnd")
MEDIA_COLUMNS = ("mediaID", "deploymentID", "timestamp", "filePath")
OBSERVATION_COLUMNS = ("observationID", "deploymentID", "observationLevel", "observationType")
BOX_COLUMNS = ("bboxX", "bboxY", "bboxWidth", "bboxHeight")
SIDE_TAGS = frozenset({"flank", "side", "viewpoint"})
LARGEST_UNCERTAINTY_M = 1e7
LARGEST_COUNT = 1e6


@dataclass(frozen=True, slots=True)
class _Medium:
    """A media file with a detection."""

    deployment_id: str
    captured_at_s: float | None
    path: Path | None
    is_video: bool


@dataclass(slots=True)
class _Reading:
    """State of one import: tables read so far, and observations skipped by reason."""

    zone: tzinfo | None
    images_root: Path
    cameras: dict[str, Camera]
    media_rows: dict[str, Row]
    media: dict[str, _Medium] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)


def read_camtrapdp(
    directory: str | os.PathLike[str],
    *,
    species: str | None = None,
    survey_id: str = "",
    images_root: str | os.PathLike[str] | None = None,
    timezone: str | None = None,
) -> ImportedSurvey:
    """The survey of one species in a Camtrap DP directory.

    species: scientificName, required if the observations name more than one.
    survey_id: derived from the name of the package by default.
    images_root: the folder that filePath is relative to, by default the package; no image may lie outside.
    timezone: IANA name or offset of times without offset, which Camtrap DP does not allow; none by default.
    Only media rows that a selected observation refers to are checked. Raises InvalidInputError that lists
    the first ten wrong values by file, row (as in a spreadsheet), column and value.
    """
    package = open_package(directory)
    zone = time_zone(timezone) if timezone else None
    problems = Problems()
    cameras, positions = _deployments(package, zone, problems)
    media_rows = {
        row.text("mediaID"): row
        for row in distinct_rows(read_table(package.table("media"), MEDIA_COLUMNS, problems), "mediaID")
    }
    reading = _Reading(zone, absolute_path(images_root or package.directory), cameras, media_rows)
    rows = distinct_rows(
        read_table(package.table("observations"), OBSERVATION_COLUMNS, problems), "observationID"
    )
    animals, notes = _animals(rows)
    chosen = select_species(animals, species, column="scientificName", table="the observations")
    if len(chosen) < len(animals):
        skipped = format_count(len(animals) - len(chosen), "observation")
        notes.append(f"{skipped} skipped: other species")
    pictures = [p for p in (_picture(row, reading) for row in chosen) if p is not None]
    problems.raise_any()
    notes = [*([package.version_note] if package.version_note else []), *notes, *_notes(reading, pictures)]
    survey_id = survey_id or survey_slug(package.text("name") or package.directory.name)
    return assemble(survey_id, package.text("title"), cameras, positions, pictures, notes)


def _deployments(
    package: Package, zone: tzinfo | None, problems: Problems
) -> tuple[dict[str, Camera], dict[str, tuple[float, float]]]:
    cameras: dict[str, Camera] = {}
    positions: dict[str, tuple[float, float]] = {}
    rows = read_table(package.table("deployments"), DEPLOYMENT_COLUMNS, problems)
    for row in distinct_rows(rows, "deploymentID"):
        camera = Camera(
            row.text("deploymentID"),
            start_s=row.instant("deploymentStart", zone),
            end_s=row.instant("deploymentEnd", zone),
            location_uncertainty_m=row.number_between("coordinateUncertainty", 0.0, LARGEST_UNCERTAINTY_M)
            or 0.0,
            clock_suspect=row.flag("timestampIssues"),
        )
        check_camera_period(row, "deploymentStart", "deploymentEnd", camera)
        cameras[camera.camera_id] = camera
        position = row.pair("latitude", "longitude", LARGEST_DEG)
        if position is not None:
            positions[camera.camera_id] = position
    return cameras, positions


def _animals(rows: Iterable[Row]) -> tuple[list[Row], list[str]]:
    """The media-based observations of animals, and notes about the others."""
    animals: list[Row] = []
    events, named = 0, 0
    for row in rows:
        if row.text("observationType") != "animal":
            continue
        if row.text("observationLevel") == "media":
            animals.append(row)
        else:
            events += 1
            named += bool(row.text("individualID"))
    notes = []
    if events:
        notes.append(f"{format_count(events, 'observation')} skipped: event-based, without an image")
    if named:
        notes.append(
            f"{format_count(named, 'event-based observation')} with an individualID, which names no single "
            "image; set it in media-based observations"
        )
    return animals, notes


def _picture(row: Row, reading: _Reading) -> Picture | None:
    """A detection with its image, None if the observation is skipped or wrong."""
    media_id = row.identifier("mediaID")
    camera = reading.cameras.get(row.text("deploymentID"))
    if camera is None:
        row.wrong("deploymentID", "is not in the deployments; add the deployment or correct the id")
    if media_id and media_id not in reading.media_rows:
        row.wrong("mediaID", "is not in the media; add the media file or correct the id")
    box = row.box(BOX_COLUMNS)
    if camera is None or media_id not in reading.media_rows:
        return None
    medium = _medium(media_id, reading)
    if medium.deployment_id != camera.camera_id:
        row.wrong(
            "deploymentID",
            f"differs from that of its media file, {medium.deployment_id!r}; correct one of them",
        )
    if medium.is_video:
        reading.skipped["videos; extract the frames as images"] += 1
        return None
    if (row.number_between("count", 0.0, LARGEST_COUNT) or 1.0) > 1.0:
        reading.skipped["count above 1; give each animal its own observation and box"] += 1
        return None
    detection = Detection(
        detection_id=row.text("observationID"),
        camera_id=camera.camera_id,
        captured_at_s=medium.captured_at_s,
        image_id=media_id,
        side=side_of_tags(row.text("observationTags")),
        encounter_id=row.identifier("eventID", required=False),
        individual_id=row.identifier("individualID", required=False),
        image_uri=str(medium.path or ""),
        species=row.identifier("scientificName", required=False),
    )
    return Picture(detection, medium.path, box)


def _medium(media_id: str, reading: _Reading) -> _Medium:
    """A media file, checked when the first observation refers to it."""
    known = reading.media.get(media_id)
    if known is not None:
        return known
    row = reading.media_rows[media_id]
    camera = reading.cameras.get(row.text("deploymentID"))
    captured_at_s = row.instant("timestamp", reading.zone)
    if camera is None:
        row.wrong("deploymentID", "is not in the deployments; add the deployment or correct the id")
    else:
        check_captured(row, "timestamp", captured_at_s, camera)
    is_video = row.text("fileMediatype").startswith("video/")
    path = None if is_video else image_path(row, "filePath", reading.images_root)
    medium = _Medium(row.text("deploymentID"), captured_at_s, path, is_video)
    reading.media[media_id] = medium
    return medium


def side_of_tags(tags: str) -> Side:
    """The side named by observationTags; unknown if they name none or several.

    >>> side_of_tags("flank:left | quality:good").name, side_of_tags("flank:left|flank:right").name
    ('LEFT', 'UNKNOWN')
    """
    pairs = [tag.partition(":") for tag in tags.split("|")]
    named = {
        SIDES.get(value.strip().lower(), Side.UNKNOWN)
        for key, _, value in pairs
        if key.strip().lower() in SIDE_TAGS
    }
    return named.pop() if len(named) == 1 else Side.UNKNOWN


def _notes(reading: _Reading, pictures: Sequence[Picture]) -> list[str]:
    notes = [f"{format_count(count, 'observation')} skipped: {why}" for why, count in reading.skipped.items()]
    images: Mapping[str, Counter[str]] = defaultdict(Counter)
    for picture in pictures:
        if picture.detection.encounter_id:
            images[picture.detection.encounter_id][picture.detection.image_id] += 1
    social = sum(max(counts.values()) > 1 for counts in images.values())
    if social:
        notes.append(
            f"{format_count(social, 'event')} with several animals in one image; each event is one encounter"
        )
    return notes
