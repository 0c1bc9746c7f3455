"""The published sets LeopardID102, SpottedHyenaID109 and SpottedHyenaID415, read from folders and file names.

A folder is an animal; `No_ID` and `unidentifiable` hold unknown ones. A folder L or R within an animal's is
the side. File names hold the camera, `CAM` and an id, and the time of its clock, `YYYY-MM-DD_HH-MM-SS` or
`_YYYYMMDD_HHMMSS_`. Other trees of this shape are read as well. Places come from a table of cameras; without
one they are unknown.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from pathlib import Path

from spotted.errors import InvalidInputError
from spotted.formats.camera_table import clock_zone, survey_of_photographs
from spotted.formats.imported_survey import ImportedSurvey, counted, survey_slug
from spotted.formats.picture import Picture
from spotted.formats.row import LONGEST_ID, absolute
from spotted.formats.timestamps import InstantError, utc_seconds
from spotted.survey import Detection, Side

UNKNOWN_FOLDERS = frozenset({"no_id", "unidentifiable"})
SIDE_FOLDERS = {"L": Side.LEFT, "R": Side.RIGHT}
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
SHOWN_FILES = 5
_CAMERA = re.compile(r"CAM[^_]+")
_TIMES = (
    re.compile(r"(?<!\d)(\d{4})-(\d\d)-(\d\d)_(\d\d)-(\d\d)-(\d\d)(?!\d)", re.ASCII),
    re.compile(r"(?<!\d)(\d{4})(\d\d)(\d\d)_(\d\d)(\d\d)(\d\d)(?!\d)", re.ASCII),
)


@dataclass(frozen=True, slots=True)
class PublishedSet:
    """A published set: photographs of known animals, of unknown ones, and the number of known animals."""

    title: str
    photographs: int
    unknown: int
    individuals: int


PUBLISHED = {
    published.title: published
    for published in (
        PublishedSet("LeopardID102", 717, 148, 102),
        PublishedSet("SpottedHyenaID109", 704, 0, 109),
        PublishedSet("SpottedHyenaID415", 1871, 376, 415),
    )
}


@dataclass(slots=True)
class _Reading:
    """What is read of a tree: the files that need a word, by what is to be said of them."""

    root: Path
    zone: tzinfo
    told: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def notes(self) -> Iterator[str]:
        """One note a reason, with the first of its files."""
        for reason, files in self.told.items():
            more = f" and {len(files) - SHOWN_FILES:,} more" if len(files) > SHOWN_FILES else ""
            yield f"{counted(len(files), 'file')} {reason}: {', '.join(files[:SHOWN_FILES])}{more}"


def read_published(
    directory: str | os.PathLike[str],
    *,
    survey_id: str = "",
    cameras: str | os.PathLike[str] | None = None,
    timezone: str | None = None,
) -> ImportedSurvey:
    """The survey of a published set, or of another tree of folders that is named like one.

    directory: the set's folder, or one that holds the folder of one published set.
    survey_id: by default made from the folder's name.
    cameras: table of cameras as of `csv_survey`, ids with or without CAM; by default the first of
        cameras.csv in the folder, <folder>_cameras.csv and cameras.csv beside it that exists.
    timezone: IANA name or offset of the cameras' clocks, by default UTC with a note.
    A detection's id is its path in the folder. Files of one name and content are one image: of several
    animals where their folders differ, else all but the first are passed over.
    Raises InvalidInputError where there is no photograph in an animal's folder, and as the table of cameras
    does.
    """
    root = _root(absolute(directory))
    table = absolute(cameras) if cameras else _beside(root)
    zone, assumed = clock_zone(timezone)
    reading = _Reading(root, zone)
    found = [_picture(path, reading) for path in _files(root) if path != table]
    pictures = _images_shared([picture for picture in found if picture is not None], reading)
    if not pictures:
        raise InvalidInputError(
            f"{root} has no photograph in an animal's folder; give a directory of folders named by animal, "
            "with JPEG, PNG or WebP files in them"
        )
    notes = [*_contents(root, pictures), *assumed, *reading.notes()]
    survey_id = survey_id or survey_slug(root.name)
    return survey_of_photographs(survey_id, root.name, pictures, table, zone, notes, known_as=_camera_id)


def _root(directory: Path) -> Path:
    """The folder of the animals: an unpacked archive may hold it in one of its own name."""
    inside = [directory / title for title in PUBLISHED if (directory / title).is_dir()]
    if len(inside) > 1:
        titles = ", ".join(path.name for path in inside)
        raise InvalidInputError(f"{directory} holds several published sets, {titles}; give the folder of one")
    return inside[0] if inside else directory


def _beside(root: Path) -> Path | None:
    places = (root / "cameras.csv", root.parent / f"{root.name}_cameras.csv", root.parent / "cameras.csv")
    return next((path for path in places if path.is_file()), None)


def _camera_id(written: str) -> str:
    return written if written.startswith("CAM") else f"CAM{written}"


def _files(root: Path) -> Iterator[Path]:
    """All files of a tree, ordered by their names at every level."""
    for directory, folders, files in os.walk(root):
        folders.sort()
        yield from (Path(directory, file) for file in sorted(files))


def _picture(path: Path, reading: _Reading) -> Picture | None:
    """A photograph with what its folders and its name say, None where the file is passed over."""
    file = path.relative_to(reading.root)
    shown = file.as_posix()
    reason = _passed_over(path, file)
    if reason:
        reading.told[f"passed over, {reason}"].append(shown if shown.isprintable() else ascii(shown))
        return None
    animal = file.parts[0]
    camera = _CAMERA.search(path.stem)
    if camera is None:
        reading.told["without CAM and an id in the name, so the camera is unknown"].append(shown)
    detection = Detection(
        detection_id=shown,
        camera_id=camera[0] if camera else "",
        captured_at_s=_captured_at_s(path.stem, shown, reading),
        image_id=shown,
        side=SIDE_FOLDERS.get(file.parts[1], Side.UNKNOWN),
        individual_id="" if animal.lower() in UNKNOWN_FOLDERS else animal,
        image_uri=str(path),
    )
    return Picture(detection, path)


def _passed_over(path: Path, file: Path) -> str:
    """Why a file is no photograph of an animal, "" where it is one."""
    # archives made on a Mac hold a hidden twin of every file, with the suffix of an image
    if any(part.startswith(".") or part == "__MACOSX" for part in file.parts):
        return "hidden"
    if path.suffix.lower() not in IMAGE_SUFFIXES:
        return "no JPEG, PNG or WebP"
    if len(file.parts) == 1:
        return "not in the folder of an animal"
    if not path.is_file() or not path.stat().st_size:
        return "empty or a broken link"
    if len(file.as_posix()) > LONGEST_ID or not file.as_posix().isprintable():
        return f"a path that cannot be an id; use at most {LONGEST_ID} printable characters"
    return ""


def _captured_at_s(stem: str, shown: str, reading: _Reading) -> float | None:
    """The time that a name tells as UTC seconds, None without one."""
    written = next((found for pattern in _TIMES if (found := pattern.search(stem))), None)
    if written is None:
        reading.told["without a time in the name"].append(shown)
        return None
    year, month, day, hour, minute, second = written.groups()
    try:
        return utc_seconds(f"{year}-{month}-{day}T{hour}:{minute}:{second}", reading.zone)
    except InstantError:
        reading.told[f"whose time does not exist in {reading.zone}, so it is unknown"].append(shown)
        return None


def _images_shared(pictures: Sequence[Picture], reading: _Reading) -> list[Picture]:
    """The pictures, with one image id where the same file lies in several animals' folders.

    Of a file that lies twice in one animal's folder only the first is kept.
    """
    names = Counter(picture.path.name for picture in pictures if picture.path)
    first_of: dict[str, str] = {}
    animals: defaultdict[str, set[str]] = defaultdict(set)
    kept = []
    for picture in pictures:
        if picture.path is None or names[picture.path.name] == 1:
            kept.append(picture)
            continue
        detection = picture.detection
        content = f"{hashlib.sha256(picture.path.read_bytes()).hexdigest()} {picture.path.name}"
        animal = detection.individual_id or str(picture.path.parent)
        if animal in animals[content]:
            reading.told["passed over, a copy within one animal's folder"].append(detection.detection_id)
            continue
        animals[content].add(animal)
        image_id = first_of.setdefault(content, detection.detection_id)
        kept.append(replace(picture, detection=replace(detection, image_id=image_id)))
    return kept


def _contents(root: Path, pictures: Sequence[Picture]) -> list[str]:
    """What there is, beside what the published set of the folder's name holds."""
    animals = Counter(picture.detection.individual_id for picture in pictures)
    unknown = animals.pop("", 0)
    here = f"{counted(animals.total(), 'photograph')} of {counted(len(animals), 'known animal')}"
    notes = [f"{here}, {unknown:,} of unknown ones"]
    whole = PUBLISHED.get(root.name)
    if whole and (animals.total(), unknown, len(animals)) != (
        whole.photographs,
        whole.unknown,
        whole.individuals,
    ):
        notes.append(
            f"{whole.title} as published has {whole.photographs:,} photographs of {whole.individuals} known "
            f"animals and {whole.unknown:,} of unknown ones; figures of this copy do not compare with its own"
        )
    return notes
