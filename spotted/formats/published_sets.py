"""The published sets LeopardID102, SpottedHyenaID109 and SpottedHyenaID415, read from folders and file names.

A folder is an animal; `No_ID` and `unidentifiable` contain unknown ones. A subfolder L or R is the side. File
names contain the camera, `CAM` and an id, and the time of its clock, `YYYY-MM-DD_HH-MM-SS` or
`_YYYYMMDD_HHMMSS_`. Other folders of this structure can be read too. Locations come from an optional table of
cameras.
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
from spotted.formats.doubts.unknown_names import means_unknown
from spotted.formats.imported_survey import ImportedSurvey, format_count, survey_slug
from spotted.formats.picture import Picture
from spotted.formats.problems import Problems
from spotted.formats.row import LONGEST_ID, absolute_path
from spotted.formats.timestamps import InstantError, utc_seconds
from spotted.survey import Detection, Side

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
    """A published set and its size."""

    title: str
    """Name of the set, and of its folder."""
    photographs: int
    """Photographs of known animals."""
    unknown: int
    """Photographs of unknown animals."""
    individuals: int
    """Known animals."""


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
    """State of one import, with the files to be mentioned in notes, by reason."""

    root: Path
    zone: tzinfo
    files_by_reason: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def notes(self) -> Iterator[str]:
        """One note per reason, with the first files."""
        for reason, files in self.files_by_reason.items():
            more = f" and {len(files) - SHOWN_FILES:,} more" if len(files) > SHOWN_FILES else ""
            yield f"{format_count(len(files), 'file')} {reason}: {', '.join(files[:SHOWN_FILES])}{more}"


def read_published(
    directory: str | os.PathLike[str],
    *,
    survey_id: str = "",
    cameras: str | os.PathLike[str] | None = None,
    timezone: str | None = None,
    strict: bool = False,
) -> ImportedSurvey:
    """The survey of a published set, or of another folder with the same structure.

    directory: the folder of the set, or one that contains the folder of one published set.
    survey_id: derived from the name of the folder by default.
    cameras: table of cameras (see `spotted.formats.cameras.table`), ids with or without CAM; by default the
        first that exists of cameras.csv in the folder, and <folder>_cameras.csv and cameras.csv beside it.
    timezone: IANA name or offset of the cameras' clocks, by default UTC with a note.
    strict: whether doubtful values stop the import, instead of being left out with a note.
    The id of a detection is its path in the folder. Files of equal name and content are one image: of several
    animals if they lie in several animals' folders, else all but the first are skipped.
    Raises InvalidInputError if no animal's folder contains a photograph, or the table of cameras is wrong.
    """
    root = set_root(absolute_path(directory))
    table = absolute_path(cameras) if cameras else _beside(root)
    zone, assumed = clock_zone(timezone)
    reading = _Reading(root, zone)
    read = [_picture(path, reading) for path in _files(root) if path != table]
    pictures = _share_images([picture for picture in read if picture is not None], reading)
    if not pictures:
        raise InvalidInputError(
            f"{root} contains no photograph in an animal's folder; give a directory with one folder per "
            "animal that contains JPEG, PNG or WebP files"
        )
    notes = [*_contents(root, pictures), *assumed, *reading.notes()]
    survey_id = survey_id or survey_slug(root.name)
    return survey_of_photographs(
        survey_id,
        root.name,
        pictures,
        table,
        zone,
        notes,
        known_as=_camera_id,
        problems=Problems(strict=strict),
    )


def set_root(directory: Path) -> Path:
    """The folder with the animals' folders: an unpacked archive may have an outer folder."""
    inside = [directory / title for title in PUBLISHED if (directory / title).is_dir()]
    if len(inside) > 1:
        titles = ", ".join(path.name for path in inside)
        raise InvalidInputError(
            f"{directory} contains several published sets, {titles}; give the folder of one"
        )
    return inside[0] if inside else directory


def _beside(root: Path) -> Path | None:
    candidates = (root / "cameras.csv", root.parent / f"{root.name}_cameras.csv", root.parent / "cameras.csv")
    return next((path for path in candidates if path.is_file()), None)


def _camera_id(written: str) -> str:
    return written if written.startswith("CAM") else f"CAM{written}"


def _files(root: Path) -> Iterator[Path]:
    """All files below a folder, sorted by name at every level."""
    for directory, folders, files in os.walk(root):
        folders.sort()
        yield from (Path(directory, file) for file in sorted(files))


def _picture(path: Path, reading: _Reading) -> Picture | None:
    """A photograph with what its folders and name say, None if the file is skipped."""
    file = path.relative_to(reading.root)
    shown = file.as_posix()
    reason = _reason_to_skip(path, file)
    if reason:
        reading.files_by_reason[f"skipped, {reason}"].append(shown if shown.isprintable() else ascii(shown))
        return None
    animal = file.parts[0]
    camera = _CAMERA.search(path.stem)
    if camera is None:
        reading.files_by_reason["without CAM and an id in the name, camera unknown"].append(shown)
    detection = Detection(
        detection_id=shown,
        camera_id=camera[0] if camera else "",
        captured_at_s=_captured_at_s(path.stem, shown, reading),
        image_id=shown,
        side=SIDE_FOLDERS.get(file.parts[1], Side.UNKNOWN),
        individual_id="" if means_unknown(animal) else animal,
        image_uri=str(path),
    )
    return Picture(detection, path, source=shown)


def _reason_to_skip(path: Path, file: Path) -> str:
    """Why a file is not a photograph of an animal, "" if it is one."""
    # archives made on a Mac contain a hidden twin of every file, with the suffix of an image
    if any(part.startswith(".") or part == "__MACOSX" for part in file.parts):
        return "hidden"
    if path.suffix.lower() not in IMAGE_SUFFIXES:
        return "not a JPEG, PNG or WebP"
    if len(file.parts) == 1:
        return "not in the folder of an animal"
    if not path.is_file() or not path.stat().st_size:
        return "empty or a broken link"
    if len(file.as_posix()) > LONGEST_ID or not file.as_posix().isprintable():
        return f"a path that cannot be an id; use at most {LONGEST_ID} printable characters"
    return ""


def _captured_at_s(stem: str, shown: str, reading: _Reading) -> float | None:
    """The time in a file name as UTC seconds, None without one."""
    written = next((found for pattern in _TIMES if (found := pattern.search(stem))), None)
    if written is None:
        reading.files_by_reason["without a time in the name"].append(shown)
        return None
    year, month, day, hour, minute, second = written.groups()
    try:
        return utc_seconds(f"{year}-{month}-{day}T{hour}:{minute}:{second}", reading.zone)
    except InstantError:
        reading.files_by_reason[
            f"with a time that does not exist in {reading.zone}, taken as unknown"
        ].append(shown)
        return None


def _share_images(pictures: Sequence[Picture], reading: _Reading) -> list[Picture]:
    """The pictures, with one image id for a file that lies in several animals' folders.

    Only the first of several copies in the folder of one animal is used.
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
            reading.files_by_reason["skipped, a copy within one animal's folder"].append(
                detection.detection_id
            )
            continue
        animals[content].add(animal)
        image_id = first_of.setdefault(content, detection.detection_id)
        kept.append(replace(picture, detection=replace(detection, image_id=image_id)))
    return kept


def _contents(root: Path, pictures: Sequence[Picture]) -> list[str]:
    """Counts of photographs and animals, compared with the published set of the same name."""
    animals = Counter(picture.detection.individual_id for picture in pictures)
    unknown = animals.pop("", 0)
    here = f"{format_count(animals.total(), 'photograph')} of {format_count(len(animals), 'known animal')}"
    notes = [f"{here}, {unknown:,} of unknown ones"]
    whole = PUBLISHED.get(root.name)
    if whole and (animals.total(), unknown, len(animals)) != (
        whole.photographs,
        whole.unknown,
        whole.individuals,
    ):
        notes.append(
            f"{whole.title} as published has {whole.photographs:,} photographs of {whole.individuals} known "
            f"animals and {whole.unknown:,} of unknown ones; results of this copy are not comparable with "
            "published results"
        )
    return notes
