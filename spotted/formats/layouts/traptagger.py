"""Tables that TrapTagger exports: one row an image, a detection or a capture, with its site and labels.

Columns as in WildEyeConservation/TrapTagger, app/functions/results.py: site (older ones trapgroup), latitude,
longitude, timestamp, image (a path), labels and individuals of a level (image_labels, image_label_1,
image_individual_1), and for detections left, right, top, bottom as fractions of the image. `None` is an empty
cell; a list is `[Leopard;Hyaena]`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from spotted.formats.columns.records import Reading, numbered, read_records
from spotted.formats.columns.survey import read_camera_file
from spotted.formats.columns.translated import Table
from spotted.formats.columns.values import is_no_animal
from spotted.formats.doubts.unknown_names import means_unknown
from spotted.formats.imported_survey import ImportedSurvey
from spotted.formats.problems import Problems
from spotted.formats.row import Row, absolute_path
from spotted.formats.sheets import read_sheets

# the nearest level that says what an animal is
LEVELS = ("detection", "image", "capture", "cluster")
SITES = ("site", "trapgroup")
_OF_LEVEL = re.compile(
    rf"({'|'.join((*LEVELS, *SITES, 'camera', 'survey'))})_"
    r"(labels?(_\d+)?|individuals?(_\d+)?|tags?(_\d+)?|sighting_count(_\d+)?|url|\w*_?count)"
)
_EDGES = ("left", "right", "top", "bottom")
_FIELDS = {
    "timestamp": "time",
    "image": "image",
    "latitude": "latitude",
    "longitude": "longitude",
    "detection": "detection_id",
    "flank": "side",
    "detection_flank": "side",
}


def is_traptagger(titles: Sequence[str]) -> bool:
    """Whether a table is one of TrapTagger.

    >>> is_traptagger(["site", "latitude", "longitude", "timestamp", "image", "image_labels"])
    True
    """
    return any(site in titles for site in SITES) and any(_OF_LEVEL.fullmatch(title) for title in titles)


def read_traptagger(
    table: str | os.PathLike[str], reading: Reading, *, cameras: str | os.PathLike[str] | None = None
) -> ImportedSurvey:
    """The survey of a table; a row with several labels or individuals is a detection for each.

    cameras: a table of cameras, for their periods; by default the sites at their positions in the rows.
    Raises InvalidInputError for several species and wrong values.
    """
    problems = Problems(strict=reading.strict)
    sheet = read_sheets(absolute_path(table))[0]
    rows = numbered(list(_animals(row)) for row in sheet.typed(problems))
    known: Table | None = None
    unread = [title for title in sheet.titles if not _is_read(title)]
    notes = [*sheet.notes, *([f"{sheet.name}: columns not read: {', '.join(unread)}"] if unread else [])]
    if cameras:
        known, more = read_camera_file(absolute_path(cameras), problems, reading)
        notes += more
    problems.raise_any()
    return read_records(rows, reading, cameras=known, notes=notes)


def _is_read(title: str) -> bool:
    return title in {*_FIELDS, *SITES, *_EDGES} or bool(re.search(r"_(label|individual)", title))


def _animals(row: Row) -> Iterator[Row]:
    """A row for each label and individual of a row, with fields as titles."""
    cells = {title: "" if cell.strip() == "None" else cell for title, cell in row.cells.items()}
    labels = [label for label in _listed(cells, "label") if not is_no_animal(label)]
    individuals = [name for name in _listed(cells, "individual") if not means_unknown(name)]
    own = {field: cells[title] for title, field in _FIELDS.items() if title in cells}
    site = next(title for title in SITES if title in cells)
    own |= {"camera_id": cells[site], **_box(row)}
    for label in labels or [""]:
        for individual in individuals or [""]:
            yield replace(row, cells={**own, "species": label, "individual_id": individual})


def _listed(cells: Mapping[str, str], kind: str) -> list[str]:
    """The labels or individuals of the nearest level that has them."""
    for level in LEVELS:
        titles = [title for title in cells if re.fullmatch(rf"{level}_{kind}(s|_\d+)", title)]
        texts = [text.strip() for title in titles for text in cells[title].strip("[]{}").split(";")]
        found = [text.strip("'\" ") for text in texts if text not in {"", "None"}]
        if found:
            return list(dict.fromkeys(found))
    return []


def _box(row: Row) -> dict[str, str]:
    """The box of a detection from its edges; none if one is missing."""
    edges = [row.number_between(edge, -1.0, 2.0) for edge in _EDGES]
    if any(edge is None for edge in edges):
        return {}
    left, right, top, bottom = (min(max(edge or 0.0, 0.0), 1.0) for edge in edges)
    sides = (left, top, right - left, bottom - top)
    return {
        name: f"{value:.6f}"
        for name, value in zip(("box_x", "box_y", "box_width", "box_height"), sides, strict=True)
    }
