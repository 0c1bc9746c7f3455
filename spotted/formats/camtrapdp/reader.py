"""Camtrap DP 1.0 packages as surveys (https://camtrap-dp.tdwg.org).

A deployment is a camera, its location the station, a media file an image, a media-based observation of an
animal a detection: observationID becomes detection_id, mediaID image_id, eventID encounter_id, individualID
individual_id.
An event-based observation is a detection in each image of its deployment and time.
An event may contain several animals, and so may its encounter; a note says so if an image of an event shows
more than one animal.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path

from spotted.formats.camtrapdp.events import detection_id, spread_events
from spotted.formats.camtrapdp.package import Package, open_package
from spotted.formats.csv_table import read_table
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
from spotted.formats.row import Row, absolute_path, check_camera_period, distinct_rows
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
    source: str


@dataclass(slots=True)
class _Reading:
    """State of one import: tables read so far, and observations skipped by reason."""

    zone: tzinfo | None
    folder: ImageFolder
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
    strict: bool = False,
) -> ImportedSurvey:
    """The survey of one species in a Camtrap DP directory.

    species: scientificName, required if the observations name more than one.
    survey_id: derived from the name of the package by default.
    images_root: the folder that filePath is relative to, by default the package; no image may lie outside.
    timezone: IANA name or offset of times without offset, which Camtrap DP does not allow; none by default.
    strict: whether doubtful values stop the import, instead of being left out with a note.
    Only media rows that a selected observation refers to are checked. Raises InvalidInputError that lists
    the first ten wrong values by file, row (as in a spreadsheet), column and value.
    """
    package = open_package(directory)
    zone = time_zone(timezone) if timezone else None
    problems = Problems(strict=strict)
    cameras, positions = _deployments(package, zone, problems)
    media_rows = {
        row.text("mediaID"): row
        for row in distinct_rows(_table(package, "media", MEDIA_COLUMNS, problems), "mediaID")
    }
    folder = ImageFolder(absolute_path(images_root or package.directory))
    reading = _Reading(zone, folder, cameras, media_rows)
    rows = distinct_rows(_table(package, "observations", OBSERVATION_COLUMNS, problems), "observationID")
    shown = _animals(list(rows), reading)
    animals = list({row.number: row for row, _ in shown}.values())
    chosen = {
        row.number
        for row in select_species(animals, species, column="scientificName", table="the observations")
    }
    others = sum(row.number not in chosen for row in animals)
    notes = [f"{format_count(others, 'observation')} skipped: other species"] if others else []
    pictures = [
        picture
        for row, media_id in shown
        if row.number in chosen and (picture := _picture(row, media_id, reading)) is not None
    ]
    problems.raise_any()
    notes = [*([package.version_note] if package.version_note else []), *notes, *_notes(reading, pictures)]
    survey_id = survey_id or survey_slug(package.text("name") or package.directory.name)
    return assemble(survey_id, package.text("title"), cameras, positions, pictures, notes, problems=problems)


def _table(package: Package, name: str, required: Sequence[str], problems: Problems) -> Iterator[Row]:
    return read_table(package.table(name), required, problems, delimiter=package.delimiter(name))


def _deployments(
    package: Package, zone: tzinfo | None, problems: Problems
) -> tuple[dict[str, Camera], dict[str, tuple[float, float]]]:
    """Cameras, and latitude and longitude, by deployment."""
    cameras: dict[str, Camera] = {}
    positions: dict[str, tuple[float, float]] = {}
    rows = _table(package, "deployments", DEPLOYMENT_COLUMNS, problems)
    for row in distinct_rows(rows, "deploymentID"):
        camera = Camera(
            row.text("deploymentID"),
            start_s=row.day("deploymentStart", zone, end=False),
            end_s=row.day("deploymentEnd", zone, end=True),
            location_uncertainty_m=row.number_between("coordinateUncertainty", 0.0, LARGEST_UNCERTAINTY_M)
            or 0.0,
            clock_suspect=row.flag("timestampIssues"),
            station=row.identifier("locationID", required=False),
        )
        check_camera_period(row, "deploymentStart", "deploymentEnd", camera)
        cameras[camera.camera_id] = camera
        position = row.degrees("latitude", "longitude")
        if position is not None:
            positions[camera.camera_id] = position
    return cameras, positions


def _animals(rows: Sequence[Row], reading: _Reading) -> list[tuple[Row, str]]:
    """The observations of animals with the image that each is about, in the order of the table.

    An event-based observation comes once for each of its images.
    """
    by_level: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_level[row.text("observationLevel").lower()].append(row)
    events = [row for row in by_level["event"] if row.text("observationType").lower() == "animal"]
    spread = spread_events(events, by_level["media"], reading.media_rows, reading.zone)
    reading.skipped.update(spread.skipped.values())
    shown: list[tuple[Row, str]] = []
    for row in rows:
        if row.text("observationType").lower() != "animal":
            continue
        if row.text("observationLevel").lower() == "event":
            shown += [(row, media_id) for media_id in spread.media.get(row.text("observationID"), ())]
        else:
            shown.append((row, row.identifier("mediaID")))
    return shown


def _picture(row: Row, media_id: str, reading: _Reading) -> Picture | None:
    """A detection with its image, None if the observation is skipped or wrong."""
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
    is_event = row.text("observationLevel").lower() == "event"
    detection = Detection(
        detection_id=detection_id(row.text("observationID"), media_id)
        if is_event
        else row.text("observationID"),
        camera_id=camera.camera_id,
        captured_at_s=medium.captured_at_s,
        image_id=media_id,
        side=side_of_tags(row.text("observationTags")),
        encounter_id=row.identifier("eventID", required=False)
        or (row.text("observationID") if is_event else ""),
        individual_id=row.individual("individualID"),
        image_uri=str(medium.path or ""),
        species=row.identifier("scientificName", required=False),
    )
    return Picture(detection, medium.path, box, medium.source)


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
    is_video = row.text("fileMediatype").startswith("video/")
    hints = (row.text("deploymentID"),)
    name = row.text("fileName")
    path = None if is_video else reading.folder.path(row, "filePath", name=name, hints=hints)
    medium = _Medium(row.text("deploymentID"), captured_at_s, path, is_video, row.name)
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
