"""Tables of other programs, read as the two CSV tables of `spotted.formats.csv_survey`."""

from __future__ import annotations

import csv
import os
import tempfile
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from spotted.formats.columns.dates import UNIX, find_day_format, to_iso
from spotted.formats.csv_survey import read_csv_survey
from spotted.formats.image_kinds import PHOTOGRAPHS
from spotted.formats.imported_survey import ImportedSurvey, format_count
from spotted.formats.photographs.stations import folded
from spotted.formats.row import Row

# of tables without a row
_CAMERA_TITLES = ("camera_id", "latitude", "longitude")
_DETECTION_TITLES = ("camera_id", "timestamp")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a file with the titles of `spotted.formats.csv_survey`."""

    name: str
    """Name of the file, for messages."""
    rows: Mapping[int, Mapping[str, str]]
    """Cells by title, by the number of the row in the file, ascending from 2."""


@dataclass(frozen=True)
class Images:
    """The image files below a folder, found by the last parts of the paths that another computer wrote."""

    root: Path
    """The folder, absolute."""

    def find(self, *written: str) -> str:
        """The path below the root of the only file that ends as one of the texts do, "" without one.

        Among files of equal name, the one with the most folders in common.
        """
        for text in written:
            parts = PurePosixPath(text.replace("\\", "/")).parts
            found = self._by_name.get(_folded(parts[-1]), []) if parts else []
            common = [_common_end(parts[:-1], path.parts[:-1]) for path in found]
            if found and common.count(max(common)) == 1:
                return found[common.index(max(common))].as_posix()
        return ""

    @cached_property
    def _by_name(self) -> Mapping[str, list[PurePosixPath]]:
        """Image files by name, and by name without the suffix, which tables often leave out."""
        files: defaultdict[str, list[PurePosixPath]] = defaultdict(list)
        for directory, folders, names in os.walk(self.root):
            folders.sort()
            above = PurePosixPath(Path(directory).relative_to(self.root).as_posix())
            for name in sorted(names):
                files[_folded(name)].append(above / name)
                stem, suffix = os.path.splitext(name)  # noqa: PTH122 - Path is slow for each of many names
                if suffix.lower() in PHOTOGRAPHS:
                    files[_folded(stem)].append(above / name)
        return files


def read_translated(
    cameras: Table,
    detections: Table,
    *,
    survey_id: str,
    images_root: Path,
    timezone: str | None,
    strict: bool = False,
    notes: Sequence[str] = (),
) -> ImportedSurvey:
    """The survey of two tables.

    strict: whether doubtful values stop the import. Raises InvalidInputError like `read_csv_survey`.

    A file that was found for several images is given to none, since only one of them can be right.
    """
    detections = Table(detections.name, _with_own_images(detections.rows))
    with tempfile.TemporaryDirectory() as folder:
        paths = [
            _write(Path(folder, kind), table, titles)
            for kind, table, titles in (("c", cameras, _CAMERA_TITLES), ("d", detections, _DETECTION_TITLES))
        ]
        imported = read_csv_survey(
            *paths,
            survey_id=survey_id,
            images_root=images_root,
            timezone=timezone,
            strict=strict,
            undated=True,
        )
    whole = sum(not row.get("image") for row in detections.rows.values())
    lost = (
        [f"{format_count(whole, 'image file')} not found below {images_root}; give the folder with --images"]
        if whole
        else []
    )
    return replace(imported, notes=(*notes, *lost, *imported.notes))


def iso_column(rows: Sequence[Row], column: str, *, date_format: str = "") -> list[str]:
    """The dates of a column as ISO 8601. Raises InvalidInputError like `find_day_format`."""
    texts = [row.text(column) for row in rows]
    day = find_day_format(texts, column=f"{rows[0].file}, {column}" if rows else column, given=date_format)
    # the reader of the rows says how numbers of seconds are read
    return texts if day == UNIX else [to_iso(text, day) for text in texts]


def _write(folder: Path, table: Table, titles: Sequence[str]) -> Path:
    folder.mkdir()
    path = folder / table.name
    titles = list(dict.fromkeys(title for row in table.rows.values() for title in row)) or titles
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, titles, restval="")
        writer.writeheader()
        line = 2
        for number, row in table.rows.items():
            # blank lines keep the numbers of the rows that messages name
            handle.write("\r\n" * (number - line))
            writer.writerow(row)
            line = number + 1
    return path


def _with_own_images(rows: Mapping[int, Mapping[str, str]]) -> dict[int, Mapping[str, str]]:
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows.values():
        owners[row.get("image", "")].add(row["image_id"])
    return {
        number: row if len(owners[row.get("image", "")]) == 1 else {**row, "image": ""}
        for number, row in rows.items()
    }


def _common_end(first: Sequence[str], second: Sequence[str]) -> int:
    count = 0
    for one, other in zip(reversed(first), reversed(second), strict=False):
        if folded(one) != folded(other):
            break
        count += 1
    return count


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
