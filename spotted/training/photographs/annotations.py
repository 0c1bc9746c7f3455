"""Photographs from the tables that MiewID is trained from: COCO JSON, or CSV.

An annotation has an image, a box x, y, w, h in pixels of the upright image, and optional theta, name,
species, viewpoint, encounter, camera and split. In COCO the box is `bbox`, the species may be the category,
and the other fields may be those of the image.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from spotted.boxes.cropping import PixelBox
from spotted.errors import InvalidInputError
from spotted.formats.csv_table import read_table
from spotted.formats.doubts.unknown_names import means_unknown
from spotted.formats.image_files import ImageFolder
from spotted.formats.imported_survey import SIDES
from spotted.formats.layouts.coco import Json, read_annotations
from spotted.formats.problems import Problems
from spotted.formats.row import Row, absolute_path
from spotted.survey import Side
from spotted.training.photographs.photograph import Photograph

# columns of each field, the first that is there counts
IMAGES = ("file_path", "file_name", "path", "image")
NAMES = ("name", "individual_id", "individual", "identity", "animal_id")
VIEWPOINTS = ("viewpoint", "side", "flank", "orientation")
ENCOUNTERS = ("encounter", "encounter_id", "seq_id", "sequence_id")
CAMERAS = ("camera", "camera_id", "location", "station")
IDS = ("uuid", "image_uuid", "id", "annotation_id", "image_id")
BOX = ("x", "y", "w", "h")
SPLITS = frozenset({"train", "test"})
LARGEST_PX = 1e6


def read_annotated(
    file: str | os.PathLike[str], *, images: str | os.PathLike[str] | None = None
) -> list[Photograph]:
    """The photographs of a COCO JSON or a CSV, in the order of the file.

    images: the folder that image paths are relative to; by default that of the file.
    Raises InvalidInputError if the file cannot be read, or with the first wrong values by row and column.
    """
    path, problems = absolute_path(file), Problems()
    folder = ImageFolder(absolute_path(images or path.parent))
    rows = _coco_rows(path, problems) if path.suffix == ".json" else read_table(path, [], problems)
    found = [_photograph(row, folder) for row in rows]
    problems.raise_any()
    if not found:
        raise InvalidInputError(f"{path} has no annotation; give one row for each animal", field=path.name)
    return [photograph for photograph in found if photograph is not None]


def _coco_rows(path: Path, problems: Problems) -> Iterator[Row]:
    images, annotations, categories = read_annotations(path)
    for number, annotation in enumerate(annotations, start=2):
        image = images.get(str(annotation.get("image_id")), {})
        cells = {**_texts(image), **_texts(annotation)}
        category = str(annotation.get("category_id"))
        cells.setdefault("species", categories.get(category, ""))
        yield Row(path.name, number, cells, problems)


def _texts(record: Mapping[str, Json]) -> dict[str, str]:
    return {name: _text(value) for name, value in record.items() if value is not None}


def _text(value: Json) -> str:
    return json.dumps(value) if isinstance(value, list | dict) else str(value)


def _photograph(row: Row, folder: ImageFolder) -> Photograph | None:
    """The photograph of a row; None, with what is wrong recorded in the row, if it has none."""
    column = _column(row, IMAGES)
    path = folder.path(row, column)
    if path is None or not path.is_file():
        row.wrong(column, "names no image; every row needs one, relative to the folder of the images")
        return None
    split = row.text("split").lower()
    name = row.text(_column(row, NAMES))
    return Photograph(
        photograph_id=row.text(_column(row, IDS)) or f"{row.file}:{row.number}",
        path=path,
        box=_box(row),
        theta=row.number_between("theta", -math.tau, math.tau) or 0.0,
        name="" if means_unknown(name) else name,
        species=row.text("species"),
        side=_side(row.text(_column(row, VIEWPOINTS))),
        encounter=row.text(_column(row, ENCOUNTERS)),
        camera=row.text(_column(row, CAMERAS)),
        split=split if split in SPLITS else "",
    )


def _column(row: Row, columns: tuple[str, ...]) -> str:
    return next((column for column in columns if row.text(column)), columns[0])


def _box(row: Row) -> PixelBox | None:
    """The box in pixels; None for the whole image."""
    cells = dict(zip(BOX, _list(row), strict=True)) if row.text("bbox") else row.cells
    boxed = Row(row.file, row.number, cells, row.problems, row.decimal_comma)
    if not any(boxed.text(column) for column in BOX):
        return None
    x, y = (boxed.number_between(column, -LARGEST_PX, LARGEST_PX) for column in BOX[:2])
    width, height = (boxed.number_between(column, 0.0, LARGEST_PX) for column in BOX[2:])
    if x is None or y is None or not width or not height:
        boxed.wrong("w", "leaves no box; give x, y, w and h in pixels, with w and h above 0")
        return None
    return PixelBox(x, y, width, height)


def _list(row: Row) -> list[str]:
    try:
        numbers = json.loads(row.text("bbox"))
        return [str(float(number)) for number in numbers] if len(numbers) == len(BOX) else [""] * len(BOX)
    except (ValueError, TypeError, RecursionError):
        row.wrong("bbox", "is not a box; write a JSON list of x, y, width, height in pixels")
        return [""] * len(BOX)


def _side(viewpoint: str) -> Side:
    """The side that a viewpoint shows; those between two sides, such as frontleft, show the flank."""
    text = viewpoint.lower()
    if text in SIDES:
        return SIDES[text]
    flanks = [side for side in (Side.LEFT, Side.RIGHT) if side.name.lower() in text]
    return flanks[0] if len(flanks) == 1 else Side.UNKNOWN
