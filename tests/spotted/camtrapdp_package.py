"""A tiny complete Camtrap DP, written and drawn on the spot: 3 deployments, 12 media, 13 animals."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SPECIES = "Crocuta crocuta"
SIZE = (160, 120)
ZONE = timezone(timedelta(hours=2))
START = datetime(2024, 6, 1, tzinfo=ZONE)
Box = tuple[float, float, float, float]
WHOLE: Box = (0.1, 0.2, 0.8, 0.6)
LEFT_HALF: Box = (0.02, 0.2, 0.46, 0.6)
RIGHT_HALF: Box = (0.52, 0.2, 0.46, 0.6)


@dataclass(frozen=True)
class Animal:
    individual: str
    side: str
    box: Box = WHOLE


# deployment, hours after START, the animals in the image; an empty image is a blank
SHOTS: tuple[tuple[str, float, tuple[Animal, ...]], ...] = (
    ("dep-a", 2.0, (Animal("anna", "left"),)),
    ("dep-a", 2.01, (Animal("anna", "left"),)),
    ("dep-a", 30.0, (Animal("ben", "right"),)),
    ("dep-a", 55.5, ()),
    ("dep-b", 9.0, (Animal("anna", "right"),)),
    ("dep-b", 33.0, (Animal("ben", "left", LEFT_HALF), Animal("cleo", "left", RIGHT_HALF))),
    ("dep-b", 33.01, (Animal("ben", "left", LEFT_HALF), Animal("cleo", "right", RIGHT_HALF))),
    ("dep-b", 80.0, (Animal("anna", "left"),)),
    ("dep-c", 40.0, (Animal("cleo", "left"),)),
    ("dep-c", 41.0, (Animal("cleo", "right"),)),
    ("dep-c", 90.0, (Animal("anna", "left"),)),
    ("dep-c", 95.0, (Animal("dora", "left"),)),
)
DEPLOYMENTS = (
    ("dep-a", -24.99120, 31.55470, "", "false"),
    ("dep-b", -24.97310, 31.58850, "", ""),
    ("dep-c", -25.02040, 31.60110, "100", "true"),
)
OBSERVATION_COLUMNS = (
    "observationID",
    "deploymentID",
    "mediaID",
    "eventID",
    "eventStart",
    "eventEnd",
    "observationLevel",
    "observationType",
    "scientificName",
    "count",
    "individualID",
    "bboxX",
    "bboxY",
    "bboxWidth",
    "bboxHeight",
    "observationTags",
    "observationComments",
)


def write_package(directory: Path, *, identified: bool = True) -> dict[str, str]:
    """Write the package; the true individual by observationID.

    identified: whether the observations carry their individualID.
    """
    (directory / "media").mkdir(parents=True)
    media: list[tuple[str, ...]] = []
    observations: list[tuple[object, ...]] = []
    truth: dict[str, str] = {}
    for number, (deployment, hours, animals) in enumerate(SHOTS, start=1):
        media_id = f"m{number:02}"
        taken = (START + timedelta(hours=hours)).isoformat()
        suffix = "png" if number == 1 else "jpg"
        _draw(directory / "media" / f"{media_id}.{suffix}", animals)
        media.append(
            (
                media_id,
                deployment,
                taken,
                f"media/{media_id}.{suffix}",
                "true",
                "image/png" if number == 1 else "image/jpeg",
            )
        )
        event = f"{deployment}-{int(hours)}"
        for rank, animal in enumerate(animals, start=1):
            observation_id = f"{media_id}-{rank}"
            truth[observation_id] = animal.individual
            known = animal.individual if identified else ""
            head = (observation_id, deployment, media_id, event, taken, taken, "media", "animal", SPECIES, 1)
            observations.append(
                (*head, known, *animal.box, f"flank:{animal.side}|bait:none", 'calm, "alert"')
            )
        if not animals:
            blank = (f"{media_id}-0", deployment, media_id, event, taken, taken, "media", "blank")
            observations.append((*blank, *[""] * (len(OBSERVATION_COLUMNS) - len(blank))))
    _write_csv(directory / "observations.csv", OBSERVATION_COLUMNS, observations)
    media_columns = ("mediaID", "deploymentID", "timestamp", "filePath", "filePublic", "fileMediatype")
    _write_csv(directory / "media.csv", media_columns, media)
    _write_deployments(directory / "deployments.csv")
    (directory / "datapackage.json").write_text(json.dumps(_descriptor(), indent=2))
    return truth


def _write_deployments(path: Path) -> None:
    end = START + timedelta(days=5)
    columns = (
        "deploymentID",
        "latitude",
        "longitude",
        "coordinateUncertainty",
        "deploymentStart",
        "deploymentEnd",
        "timestampIssues",
    )
    rows = [
        (name, latitude, longitude, uncertainty, START.isoformat(), end.isoformat(), issues)
        for name, latitude, longitude, uncertainty, issues in DEPLOYMENTS
    ]
    _write_csv(path, columns, rows)


def _write_csv(path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(columns)
        writer.writerows(rows)


def _descriptor() -> Mapping[str, object]:
    schemas = "https://raw.githubusercontent.com/tdwg/camtrap-dp/1.0.2"
    return {
        "profile": f"{schemas}/camtrap-dp-profile.json",
        "name": "drawn-hyenas",
        "title": "Drawn hyenas",
        "resources": [
            {"name": table, "path": f"{table}.csv", "schema": f"{schemas}/{table}-table-schema.json"}
            for table in ("deployments", "media", "observations")
        ],
    }


def _draw(path: Path, animals: Sequence[Animal]) -> None:
    """Grass, and on it each animal's body with the spots of that flank of that individual."""
    image = Image.new("RGB", SIZE, (120, 130, 80))
    draw = ImageDraw.Draw(image)
    for animal in animals:
        x, y, width, height = animal.box
        left, top = x * SIZE[0], y * SIZE[1]
        right, bottom = left + width * SIZE[0], top + height * SIZE[1]
        draw.ellipse((left, top, right, bottom), fill=(190, 160, 110))
        spots = np.random.default_rng([*animal.individual.encode(), ord(animal.side[0])])
        for across, down, radius in spots.uniform((0.2, 0.25, 2.0), (0.8, 0.75, 6.0), size=(14, 3)):
            column, row = left + across * (right - left), top + down * (bottom - top)
            draw.ellipse((column - radius, row - radius, column + radius, row + radius), fill=(60, 45, 30))
    image.save(path)
