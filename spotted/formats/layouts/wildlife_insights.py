"""Exports of Wildlife Insights: images.csv and deployments.csv in a folder or zip.

Columns as in https://www.wildlifeinsights.org: images have deployment_id, image_id, filename, location,
timestamp, genus, species, individual_id; deployments have deployment_id, latitude, longitude, start_date,
end_date, optional placename. A deployment is a camera, its placename the station.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from spotted.errors import InvalidInputError
from spotted.formats.columns.records import Reading
from spotted.formats.columns.translated import Images, Table, iso_column, read_translated
from spotted.formats.csv_table import read_table
from spotted.formats.imported_survey import ImportedSurvey, format_count, survey_slug
from spotted.formats.problems import Problems
from spotted.formats.row import Row, absolute_path
from spotted.formats.species import select_species

IMAGE_COLUMNS = ("deployment_id", "image_id", "filename", "timestamp")
DEPLOYMENT_COLUMNS = ("deployment_id", "latitude", "longitude", "start_date", "end_date")
DEPLOYMENTS_FILE = "deployments.csv"
_NAME = "name of the animal"


def read_wildlife_insights(
    package: str | os.PathLike[str],
    *,
    survey_id: str = "",
    species: str | None = None,
    images_root: str | os.PathLike[str] | None = None,
    timezone: str | None = None,
    date_format: str = "",
    strict: bool = False,
) -> ImportedSurvey:
    """The survey of an export.

    package: the folder of the tables, or a zip of them.
    species: genus and species, or the common name if the genus is missing; required if there are several.
    images_root: the folder of the image files, by default that of the tables; files are found by the end of
        `location`, by `deployment_id` and `filename`, or by `filename` if it is unique.
    date_format: the form of days, e.g. `%d/%m/%Y`; found in the dates by default.
    strict: whether doubtful values stop the import.
    Raises InvalidInputError for missing tables and wrong values.
    """
    path = absolute_path(package)
    survey_id = survey_id or survey_slug(path.stem if path.is_file() else path.name)
    root = absolute_path(images_root or (path if path.is_dir() else path.parent))
    reading = Reading(
        survey_id, root, species=species, timezone=timezone, date_format=date_format, strict=strict
    )
    if path.is_dir():
        return _read(path, reading)
    with tempfile.TemporaryDirectory() as folder:
        _unpack(path, Path(folder))
        return _read(Path(folder), reading)


def image_tables(names: Sequence[str]) -> list[str]:
    """The tables of images among file names: one, or several numbered ones of a large project."""
    return sorted(n for n in names if n.rsplit("/", 1)[-1].startswith("images") and n.endswith(".csv"))


def _read(folder: Path, reading: Reading) -> ImportedSurvey:
    problems = Problems()
    deployments = list(read_table(folder / DEPLOYMENTS_FILE, DEPLOYMENT_COLUMNS, problems))
    tables = image_tables([path.name for path in folder.iterdir()])
    rows = [row for name in tables for row in read_table(folder / name, IMAGE_COLUMNS, problems)]
    if len(tables) > 1:
        rows = [replace(row, number=number) for number, row in enumerate(rows, start=2)]
    problems.raise_any()
    named = [_named(row) for row in rows if not row.flag("is_blank")]
    selected = select_species(
        [r for r in named if r.text(_NAME)], reading.species, column=_NAME, table="the images"
    )
    others = len(rows) - len(selected)
    notes = [f"{format_count(others, 'image')} skipped: blank, unnamed or other species"] if others else []
    images = Images(reading.images_root)
    times = iso_column(selected, "timestamp", date_format=reading.date_format)
    seen: Counter[str] = Counter()
    detections = {
        row.number: _detection(row, time, images, seen) for row, time in zip(selected, times, strict=True)
    }
    return read_translated(
        Table(DEPLOYMENTS_FILE, _cameras(deployments, reading.date_format)),
        Table(tables[0] if len(tables) == 1 else "images.csv", detections),
        survey_id=reading.survey_id,
        images_root=reading.images_root,
        timezone=reading.timezone,
        strict=reading.strict,
        notes=notes,
    )


def _named(row: Row) -> Row:
    title = f"{row.text('genus')} {row.text('species')}".strip() or row.text("common_name")
    return replace(row, cells={**row.cells, _NAME: title})


def _cameras(deployments: Sequence[Row], date_format: str) -> dict[int, Mapping[str, str]]:
    starts, ends = (
        iso_column(deployments, column, date_format=date_format) for column in ("start_date", "end_date")
    )
    return {
        row.number: {
            "camera_id": row.text("deployment_id"),
            "station": row.text("placename"),
            "latitude": row.text("latitude"),
            "longitude": row.text("longitude"),
            "start": start,
            # an end at midnight is the day, not its first second
            "end": end.removesuffix("T00:00:00").removesuffix(" 00:00:00"),
        }
        for row, start, end in zip(deployments, starts, ends, strict=True)
    }


def _detection(row: Row, time: str, images: Images, seen: Counter[str]) -> Mapping[str, str]:
    image_id, name = row.text("image_id"), row.text("filename")
    seen[image_id] += 1
    return {
        "detection_id": image_id if seen[image_id] == 1 else f"{image_id}#{seen[image_id]}",
        "camera_id": row.text("deployment_id"),
        "timestamp": time,
        "image": images.find(row.text("location"), f"{row.text('deployment_id')}/{name}"),
        "image_id": image_id,
        "individual_id": row.text("individual_id"),
        "species": row.text(_NAME),
    }


def _unpack(path: Path, folder: Path) -> None:
    """Write the tables of a zip into a folder, whatever folder they have in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            for name in [*image_tables(names), *(n for n in names if n.endswith(DEPLOYMENTS_FILE))]:
                (folder / name.rsplit("/", 1)[-1]).write_bytes(archive.read(name))
    except (zipfile.BadZipFile, OSError) as error:
        raise InvalidInputError(f"{path} cannot be read as a zip: {error}; download it again") from error
