"""Any survey as the deployments, media and observations of Camtrap DP 1.0.2 (https://camtrap-dp.tdwg.org)."""

from __future__ import annotations

import mimetypes
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path

from spotted.errors import InvalidInputError
from spotted.formats.captures.effort import Periods, find_periods
from spotted.formats.exports.camtrap_dp_descriptor import describe_package
from spotted.formats.exports.camtrap_dp_tables import DEPLOYMENTS, MEDIA, OBSERVATIONS, table
from spotted.formats.exports.material import ExportFiles, Material
from spotted.formats.imported_survey import format_count
from spotted.formats.picture import Picture
from spotted.formats.timestamps import time_zone
from spotted.survey import Side

Row = dict[str, object]


@dataclass(slots=True)
class _Tables:
    """The rows written so far."""

    zone: tzinfo
    media: dict[str, Row] = field(default_factory=dict)
    """By mediaID."""
    observations: list[Row] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def camtrap_dp_files(material: Material) -> ExportFiles:
    """`datapackage.json`, `deployments.csv`, `media.csv` and `observations.csv`.

    Media files are named relative to the folder of the images, and not copied. Raises InvalidInputError if a
    camera with photographs has no latitude and longitude, which Camtrap DP requires.
    """
    survey, positions = material.imported.survey, material.imported.positions_deg
    seen = {one.camera_id for one in material.imported.detections if one.camera_id}
    unplaced = sorted(seen - positions.keys())
    if unplaced:
        raise InvalidInputError(
            f"Camtrap DP needs latitude and longitude of every camera, and {len(unplaced)} with photographs "
            f"have none, such as {unplaced[0]!r}; add the columns to the table of cameras and import again"
        )
    tables = _Tables(time_zone(material.timezone))
    periods, _ = find_periods(survey, material.imported.detections)
    rows = _deployments(material, periods, tables.zone)
    written = {str(row["deploymentID"]) for row in rows}
    for picture in material.imported.pictures:
        _add(picture, material, tables, written)
    species = sorted({one.species for one in material.imported.detections if one.species})
    contents = {
        "datapackage.json": describe_package(survey, positions, species, tables.zone),
        "deployments.csv": table(DEPLOYMENTS, rows),
        "media.csv": table(MEDIA, tables.media.values()),
        "observations.csv": table(OBSERVATIONS, tables.observations),
    }
    left_out = sorted(tables.left_out.items())
    notes = [f"Camtrap DP: {format_count(n, 'detection')} left out: {why}" for why, n in left_out]
    notes.append(
        "Camtrap DP: datapackage.json names no contributor, and opportunistic sampling by motion; correct it"
    )
    return ExportFiles(contents, tuple(notes))


def _deployments(material: Material, periods: Periods, zone: tzinfo) -> list[Row]:
    """The cameras with a period and a position."""
    rows: list[Row] = []
    for camera_id, camera in sorted(material.imported.survey.cameras.items()):
        position = material.imported.positions_deg.get(camera_id)
        if position is None or camera_id not in periods:
            continue
        start_s, end_s = periods[camera_id]
        row: Row = {
            "deploymentID": camera_id,
            "locationID": material.station(camera_id),
            "latitude": position[0],
            "longitude": position[1],
            "deploymentStart": _iso(start_s, zone),
            "deploymentEnd": _iso(end_s, zone),
            "timestampIssues": "true" if camera.clock_suspect else "false",
        }
        if camera.location_uncertainty_m:
            row["coordinateUncertainty"] = max(round(camera.location_uncertainty_m), 1)
        rows.append(row)
    return rows


def _add(picture: Picture, material: Material, tables: _Tables, deployments: set[str]) -> None:
    one = picture.detection
    path = _relative(picture.path, material.root)
    if one.captured_at_s is None or one.camera_id not in deployments:
        tables.left_out["without a time or a camera"] += 1
        return
    if not path:
        tables.left_out["without an image file in the folder of the images"] += 1
        return
    taken = _iso(one.captured_at_s, tables.zone)
    media_id = _media_id(picture, tables.media, path)
    tables.media[media_id] = {
        "mediaID": media_id,
        "deploymentID": one.camera_id,
        "timestamp": taken,
        "filePath": path,
        "filePublic": "false",
        "fileName": Path(path).name,
        "fileMediatype": mimetypes.guess_type(path)[0] or "image/jpeg",
    }
    name = material.individuals.get(one.detection_id, "")
    row: Row = {
        "observationID": one.detection_id,
        "deploymentID": one.camera_id,
        "mediaID": media_id,
        "eventID": one.encounter_id,
        "eventStart": taken,
        "eventEnd": taken,
        "observationLevel": "media",
        "observationType": "animal",
        "scientificName": one.species,
        "count": 1,
        "sex": material.sexes.get(name, ""),
        "individualID": name,
        "observationTags": "" if one.side is Side.UNKNOWN else f"flank:{one.side.name.lower()}",
    }
    tables.observations.append(row | _box(picture))


def _media_id(picture: Picture, media: Mapping[str, Row], path: str) -> str:
    """The id of the image; one that another file has already gets the file's path instead."""
    wanted = picture.detection.image_id or path
    taken = media.get(wanted)
    return wanted if taken is None or taken["filePath"] == path else path


def _relative(path: Path | None, root: Path) -> str:
    """A path inside the folder; "" for one that Camtrap DP cannot hold."""
    if path is None:
        return ""
    inside = Path(os.path.relpath(path, root)).as_posix()
    return "" if inside.startswith((".", "/", "~")) or ".." in inside else inside


def _box(picture: Picture) -> Row:
    if picture.box is None:
        return {}
    x, y, width, height = picture.box
    edges = {"X": x, "Y": y, "Width": min(width, 1.0 - x), "Height": min(height, 1.0 - y)}
    return {f"bbox{edge}": f"{value:.6g}" for edge, value in edges.items()}


def _iso(seconds: float, zone: tzinfo) -> str:
    return datetime.fromtimestamp(seconds, zone).isoformat(timespec="seconds")
