"""Annotations in the form of COCO, as in COCO Camera Traps, LILA and datasets of individuals.

An image has id, file_name and optional width, height, location, datetime (or date_captured), seq_id and a
position; an annotation has image_id, category_id and optional bbox (x, y, width, height in pixels),
individual and viewpoint (https://lila.science).
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from PIL import Image

from spotted.errors import InvalidInputError
from spotted.formats.columns.records import Reading, read_records
from spotted.formats.columns.survey import read_camera_file
from spotted.formats.columns.translated import Images, Table
from spotted.formats.imported_survey import ImportedSurvey, format_count
from spotted.formats.pixel_boxes import upright_size
from spotted.formats.problems import Problems
from spotted.formats.row import Row, absolute_path

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
Record: TypeAlias = Mapping[str, Json]

_EXAMINED_BYTES = 65_536
# names of one field in several datasets
TIMES = ("datetime", "date_captured", "timestamp", "date")
CAMERAS = ("location", "camera_id", "camera", "site", "station", "deployment")
LATITUDES = ("latitude", "lat", "decimal_latitude", "gps_lat_captured")
LONGITUDES = ("longitude", "lon", "decimal_longitude", "gps_lon_captured")
INDIVIDUALS = ("individual_id", "individual_ids", "individual", "identity", "animal_id", "name")
SEQUENCES = ("seq_id", "sequence_id", "burst_id")
SIDES = ("viewpoint", "side", "flank")
BOX_FIELDS = ("box_x", "box_y", "box_width", "box_height")


@dataclass(slots=True)
class _Reading:
    """State of one file, with what notes mention."""

    images: Images
    boxes: Counter[str] = field(default_factory=Counter)


def is_coco(path: Path) -> bool:
    """Whether a file is JSON in the form of COCO."""
    try:
        with path.open("rb") as handle:
            start = handle.read(_EXAMINED_BYTES)
            handle.seek(max(0, path.stat().st_size - _EXAMINED_BYTES))
            ends = start + handle.read()
    except OSError:
        return False
    # MegaDetector's have detections instead of annotations
    return (
        start.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{")
        and (b'"categories"' in ends or b'"annotations"' in ends)
        and b'"detection_categories"' not in ends
    )


def read_coco(
    annotations: str | os.PathLike[str], reading: Reading, *, cameras: str | os.PathLike[str] | None = None
) -> ImportedSurvey:
    """The survey of annotations, each of which is a detection.

    cameras: a table of cameras by `location`; by default the locations, at the positions of their images.
    A sequence of images is an encounter if none of them shows two animals.
    Raises InvalidInputError if the file is not in this form, for several species, and for wrong values.
    """
    file, problems = absolute_path(annotations), Problems(strict=reading.strict)
    images, found, categories = read_annotations(file)
    state = _Reading(Images(reading.images_root))
    rows = list(_rows(file.name, images, found, categories, state, problems))
    notes = list(_notes(images, found, state))
    known: Table | None = None
    if cameras:
        known, more = read_camera_file(absolute_path(cameras), problems, reading)
        notes += more
    problems.raise_any()
    return read_records(rows, reading, cameras=known, notes=notes)


def read_annotations(file: Path) -> tuple[dict[str, Record], list[Record], dict[str, str]]:
    """The images by id, the annotations, and the names of the categories by id.

    Raises InvalidInputError if the file cannot be read or is not in this form.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"{file} cannot be read as JSON: {error}", field=file.name) from error
    lists = [content.get(name) if isinstance(content, dict) else None for name in ("images", "annotations")]
    if not all(isinstance(records, list) for records in lists):
        raise InvalidInputError(
            f"{file} is not in the form of COCO; it needs images and annotations", field=file.name
        )
    images: list[Record] = [record for record in lists[0] or [] if isinstance(record, dict)]
    annotations: list[Record] = [record for record in lists[1] or [] if isinstance(record, dict)]
    categories = {
        str(r.get("id")): str(r.get("name")) for r in content.get("categories") or [] if isinstance(r, dict)
    }
    return {str(image.get("id")): image for image in images}, annotations, categories


def _rows(
    file: str,
    images: Mapping[str, Record],
    annotations: Sequence[Record],
    categories: Mapping[str, str],
    state: _Reading,
    problems: Problems,
) -> Iterator[Row]:
    """A row for each annotation, numbered from 2, with fields as titles."""
    crowded = _crowded(images, annotations)
    for number, annotation in enumerate(annotations, start=2):
        image = images.get(str(annotation.get("image_id")))
        name = image.get("file_name") if image else None
        if image is None or not isinstance(name, str):
            problems.add(
                f"{file}: annotation {annotation.get('id')} is of image {annotation.get('image_id')}, which "
                "is not among the images or has no file_name; add it",
                file,
                cause=(file, "image"),
            )
            continue
        sequence = _text(image, SEQUENCES)
        cells = {
            "detection_id": _text(annotation, ("id",)),
            "image_id": _text(image, ("id",)),
            "image": name,
            "time": _text(image, TIMES),
            "camera_id": _text(image, CAMERAS),
            "species": categories.get(str(annotation.get("category_id")), ""),
            "individual_id": _text(annotation, INDIVIDUALS).strip("_"),
            "side": _text(annotation, SIDES),
            "encounter_id": "" if sequence in crowded else sequence,
            **_position(image),
            **_box(annotation.get("bbox"), image, name, state),
        }
        yield Row(file, number, cells, problems)


def _crowded(images: Mapping[str, Record], annotations: Sequence[Record]) -> set[str]:
    """Sequences in which an image has several annotations, which are several animals."""
    animals = Counter(str(annotation.get("image_id")) for annotation in annotations)
    return {_text(images[i], SEQUENCES) for i, count in animals.items() if count > 1 and i in images}


def _text(record: Record, names: Sequence[str]) -> str:
    """The first of the fields that is there; a list of one is its element."""
    for name in names:
        value = record.get(name)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if value is not None and not isinstance(value, list | dict):
            return str(value).strip()
    return ""


def _position(image: Record) -> dict[str, str]:
    latitude, longitude = _text(image, LATITUDES), _text(image, LONGITUDES)
    # some write -1 for both if there is none
    if not latitude or not longitude or {float(-1), *_numbers([latitude, longitude])} == {-1.0}:
        return {"latitude": "", "longitude": ""}
    return {"latitude": latitude, "longitude": longitude}


def _numbers(values: Sequence[object]) -> list[float]:
    try:
        return [float(str(value)) for value in values]
    except ValueError:
        return []


def _box(value: Json, image: Record, name: str, state: _Reading) -> dict[str, str]:
    """The box as fractions of the image; none if it has no area or the size of the image is unknown."""
    if value is None:
        return {}
    box = _numbers(value) if isinstance(value, list) else []
    if len(box) != len(BOX_FIELDS):
        state.boxes["that is not x, y, width, height"] += 1
        return {}
    x, y, width, height = box
    wide, high = _size(image, name, state) if max(box) > 1.0 else (1.0, 1.0)
    if not wide or not high:
        state.boxes["in an image of unknown size"] += 1
        return {}
    left, top = max(x / wide, 0.0), max(y / high, 0.0)
    right, bottom = min((x + width) / wide, 1.0), min((y + height) / high, 1.0)
    if right <= left or bottom <= top:
        state.boxes["without a pixel in its image"] += 1
        return {}
    edges = (left, top, right - left, bottom - top)
    return {field_: f"{edge:.6f}" for field_, edge in zip(BOX_FIELDS, edges, strict=True)}


def _size(image: Record, name: str, state: _Reading) -> tuple[float, float]:
    sizes = _numbers([image.get("width"), image.get("height")])
    if sizes and min(sizes) > 0:
        return sizes[0], sizes[1]
    found = state.images.find(name)
    try:
        return upright_size(state.images.root / found) if found else (0.0, 0.0)
    except (OSError, Image.DecompressionBombError):
        return 0.0, 0.0


def _notes(images: Mapping[str, Record], annotations: Sequence[Record], state: _Reading) -> Iterator[str]:
    annotated = {str(annotation.get("image_id")) for annotation in annotations}
    without = len(images.keys() - annotated)
    if without:
        yield f"{format_count(without, 'image')} without an annotation skipped"
    for reason, count in state.boxes.items():
        boxes = "1 box" if count == 1 else f"{count:,} boxes"
        yield f"{boxes} {reason} left out; the whole image counts"
    levels = sum(annotation.get("sequence_level_annotation") is True for annotation in annotations)
    if levels:
        yield (
            f"{format_count(levels, 'annotation')} of a sequence, not of the image: some images may show no "
            "animal; add boxes of a detector with --boxes"
        )
    read = {*TIMES, *CAMERAS, *LATITUDES, *LONGITUDES, *SEQUENCES, "id", "file_name", "width", "height"}
    unread = sorted({name for image in images.values() for name in image} - read)
    if unread:
        yield f"fields of images not read: {', '.join(unread)}"
