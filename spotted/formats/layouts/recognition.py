"""The layout of a file or directory, recognised by its contents."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from spotted.errors import InvalidInputError
from spotted.formats.catalogue import CATALOGUE_FILE
from spotted.formats.columns import resolve_columns
from spotted.formats.columns.cameras import PAIRS
from spotted.formats.image_kinds import PHOTOGRAPHS as PHOTOGRAPH_SUFFIXES
from spotted.formats.layouts.camtrapr import RECORD_COLUMNS
from spotted.formats.layouts.contents import (
    WORKBOOKS,
    columns_of,
    damages,
    describe,
    files_below,
    only_folder,
)
from spotted.formats.layouts.nearest import nearest_layouts, why_unread
from spotted.formats.layouts.programs import COCO, TIMELAPSE, TRAPTAGGER, WILDBOOK, find_program, tables_in
from spotted.formats.layouts.timed import check_times
from spotted.formats.layouts.wildlife_insights import DEPLOYMENTS_FILE, image_tables
from spotted.formats.photographs.megadetector import is_megadetector
from spotted.formats.published_sets import IMAGE_SUFFIXES, PUBLISHED, SIDE_FOLDERS
from spotted.formats.row import absolute_path
from spotted.formats.sheets import (
    EXTRA_SUFFIXES,
    OTHER_SUFFIXES,
    SHEET_SUFFIXES,
    has_reader,
    read_sheets,
    read_titles,
)

CAMTRAP_DP = "camtrap-dp"
PUBLISHED_SET = "spotted-published"
CATALOGUE = "catalogue"
TABLES = "csv-tables"
PHOTOGRAPHS = "photographs"
WILDLIFE_INSIGHTS = "wildlife-insights"
CAMTRAPR = "camtrapr"
MAPPED = "mapped-table"
LAYOUTS = (
    CAMTRAP_DP,
    PUBLISHED_SET,
    CATALOGUE,
    TABLES,
    PHOTOGRAPHS,
    WILDLIFE_INSIGHTS,
    CAMTRAPR,
    TRAPTAGGER,
    TIMELAPSE,
    WILDBOOK,
    COCO,
    MAPPED,
)
# files looked at in a directory, which may contain millions
EXAMINED_FILES = 2000
# folders of unknown animals in the published sets
UNKNOWN_FOLDERS = {"no_id", "unidentifiable"}
CAMERAS_FILE, DETECTIONS_FILE = "cameras.csv", "detections.csv"
_DESCRIPTOR = "datapackage.json"
_CAMERA_IN_NAME = re.compile(r"CAM[^_]+.*\d")
HELP = (
    "all layouts are listed in docs/import.md, Formats; give one with --layout, the columns of a table with "
    "--map, or two tables with --cameras and --detections"
)


@dataclass(frozen=True, slots=True)
class Recognised:
    """A layout, and why it was recognised."""

    layout: str
    """One of LAYOUTS."""
    path: Path
    """The path to read, such as the directory of a descriptor."""
    reason: str
    """e.g. "Camtrap DP, because it contains datapackage.json"."""
    boxes: Path | None = None
    """A file of MegaDetector beside photographs."""


def recognise(path: str | os.PathLike[str]) -> Recognised:
    r"""The layout of a file or directory.

    Raises InvalidInputError that names what was looked for and what is there, if it has none of LAYOUTS.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = Path(folder, "leopards.csv")
    ...     _ = table.write_text("path,identity,date\na.jpg,Asha,2024-05-01\n")
    ...     recognise(table).reason
    'a catalogue of wildlife-datasets, because it has the columns path, identity'
    """
    root = absolute_path(path)
    if root.is_dir() and not any(root.iterdir()):
        raise InvalidInputError(f"{root} is empty; give a folder that contains photographs or a table")
    if root.is_file() and root.suffix.lower() in WORKBOOKS:
        # names the damage
        read_sheets(root)
    rules = _OF_DIRECTORY if root.is_dir() else _OF_FILE
    tried = ((rule, place) for place in (root, *only_folder(root)) for rule in rules)
    found = next((one for rule, place in tried if (one := rule(place)) is not None), None)
    if found is None and root.is_dir():
        # photographs of one station lie in one folder, too, so that their folder is the outer one
        found = _photographs(root)
    if found is None:
        tables = tables_in(root)
        for table in tables:
            check_times(table, read_titles(table))
        near = [f"most like {line}" for line in nearest_layouts(root)]
        lines = [
            *damages(tables),
            f"{root} has no known layout",
            describe(root),
            *near,
            HELP,
            *why_unread(tables),
        ]
        raise InvalidInputError("\n  ".join(lines))
    return found


def _package(root: Path) -> Recognised | None:
    directory = root if root.is_dir() else root.parent
    if (root / _DESCRIPTOR).is_file() or root.name == _DESCRIPTOR:
        return Recognised(CAMTRAP_DP, directory, f"Camtrap DP, because of {_DESCRIPTOR}")
    return None


def _catalogue(root: Path) -> Recognised | None:
    if (root / CATALOGUE_FILE).is_file():
        reason = f"a catalogue of wildlife-datasets, because it contains {CATALOGUE_FILE}"
        return Recognised(CATALOGUE, root, reason)
    if {"path", "identity"} <= set(columns_of(root) if root.is_file() else ()):
        reason = "a catalogue of wildlife-datasets, because it has the columns path, identity"
        return Recognised(CATALOGUE, root, reason)
    return None


def _tables(root: Path) -> Recognised | None:
    if (root / CAMERAS_FILE).is_file() and (root / DETECTIONS_FILE).is_file():
        reason = f"two CSV tables, because it contains {CAMERAS_FILE} and {DETECTIONS_FILE}"
        return Recognised(TABLES, root, reason)
    return None


def _wildlife_insights(root: Path) -> Recognised | None:
    if root.is_dir():
        names = [path.name for path in root.glob("*.csv")]
    elif zipfile.is_zipfile(root):
        with zipfile.ZipFile(root) as archive:
            names = archive.namelist()
    else:
        return None
    tables = image_tables(names)
    if not tables or not any(name.rsplit("/", 1)[-1] == DEPLOYMENTS_FILE for name in names):
        return None
    reason = f"Wildlife Insights, because it contains {DEPLOYMENTS_FILE} and {tables[0]}"
    return Recognised(WILDLIFE_INSIGHTS, root, reason)


def _camtrapr(root: Path) -> Recognised | None:
    tables = sorted(root.glob("*.csv")) if root.is_dir() else [root]
    records = [path for path in tables if set(RECORD_COLUMNS) <= set(columns_of(path))]
    if len(records) > 1:
        listed = ", ".join(path.name for path in records)
        raise InvalidInputError(f"{root} contains several tables of records of camtrapR, {listed}; give one")
    if not records:
        return None
    reason = f"records of camtrapR, because {records[0].name} has {', '.join(RECORD_COLUMNS)}"
    return Recognised(CAMTRAPR, records[0], reason)


def _program(root: Path) -> Recognised | None:
    found = find_program(root)
    if found is None:
        return None
    check_times(found[1], read_titles(found[1]))
    return Recognised(*found)


def _half_a_pair(root: Path) -> Recognised | None:
    """Name what is missing beside a table of cameras or of detections."""
    columns = set(columns_of(root))
    if "camera_id" not in columns or any({"timestamp", *pair} <= columns for pair in PAIRS):
        return None
    raise InvalidInputError(
        f"{root} is one of two tables; give a table of cameras with --cameras and one of detections with "
        "--detections, or a directory that contains both as "
        f"{CAMERAS_FILE} and {DETECTIONS_FILE}"
    )


def _mapped_file(root: Path) -> Recognised | None:
    if root.suffix.lower() in OTHER_SUFFIXES | (frozenset() if has_reader() else EXTRA_SUFFIXES):
        # names the remedy
        read_sheets(root)
    if root.suffix.lower() not in SHEET_SUFFIXES or root.suffix.lower() == ".txt":
        return None
    try:
        columns = resolve_columns(root).columns
    except InvalidInputError:
        return None
    if not (columns.get("time") or columns.get("date")):
        check_times(root, read_titles(root))
    listed = ", ".join(
        f"{columns[name]!r}" for name in ("camera_id", "time", "date", "image") if columns.get(name)
    )
    return Recognised(MAPPED, root, f"a table of detections, because it has the columns {listed}")


def recognise_detections(table: Path) -> Recognised:
    """A table with titles of its own beside one of cameras. Raises InvalidInputError as `recognise`."""
    return _mapped_file(table) or Recognised(MAPPED, table, "a table of detections with titles of its own")


def _mapped(root: Path) -> Recognised | None:
    found = [seen for path in tables_in(root) if (seen := _mapped_file(path)) is not None]
    if len(found) > 1:
        listed = ", ".join(seen.path.name for seen in found)
        raise InvalidInputError(f"{root} contains several tables of detections, {listed}; give one of them")
    return found[0] if found else None


def _published(root: Path) -> Recognised | None:
    """A set of animals' folders; folders without a sign that they are animals may be sites."""
    if root.name in PUBLISHED or any((root / title).is_dir() for title in PUBLISHED):
        return Recognised(PUBLISHED_SET, root, "a published set of Spotted, because of its name")
    marks = set[str]()
    files = list(islice(files_below(root, IMAGE_SUFFIXES), EXAMINED_FILES))
    for file in files:
        parts = file.relative_to(root).parts
        marks |= {p for p in parts[:1] if p.lower() in UNKNOWN_FOLDERS}
        marks |= {p for p in parts[1:-1] if p in SIDE_FOLDERS}
    if not marks or sum(bool(_CAMERA_IN_NAME.search(file.stem)) for file in files) * 2 <= len(files):
        return None
    listed = ", ".join(sorted(marks))
    reason = f"folders of animals as in the published sets, because of the folders {listed} and CAM in names"
    return Recognised(PUBLISHED_SET, root, reason)


def _photographs(root: Path) -> Recognised | None:
    first = next(files_below(root, PHOTOGRAPH_SUFFIXES), None)
    if first is None:
        return None
    boxes = [file for file in sorted(root.glob("*.json")) if is_megadetector(file)]
    if len(boxes) > 1:
        listed = ", ".join(file.name for file in boxes)
        raise InvalidInputError(f"{root} contains several files of MegaDetector, {listed}; give one instead")
    reason = f"a folder of photographs, because it contains {first.relative_to(root).as_posix()}"
    return _with_boxes(root, reason, boxes[0]) if boxes else Recognised(PHOTOGRAPHS, root, reason)


def _megadetector(root: Path) -> Recognised | None:
    return _with_boxes(root.parent, "a folder of photographs", root) if is_megadetector(root) else None


def _with_boxes(root: Path, reason: str, boxes: Path) -> Recognised:
    return Recognised(PHOTOGRAPHS, root, f"{reason}, with boxes of MegaDetector in {boxes.name}", boxes)


_Rule = Callable[[Path], "Recognised | None"]
_OF_DIRECTORY: tuple[_Rule, ...] = (
    _package,
    _catalogue,
    _tables,
    _wildlife_insights,
    _camtrapr,
    _program,
    _published,
    _mapped,
)
_OF_FILE: tuple[_Rule, ...] = (
    _package,
    _megadetector,
    _catalogue,
    _wildlife_insights,
    _camtrapr,
    _program,
    _half_a_pair,
    _mapped_file,
)
