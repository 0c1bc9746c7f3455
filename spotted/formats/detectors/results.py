"""Findings of a detector, kept photograph by photograph, and written as JSON of MegaDetector.

Each result is one line of a file that only grows, so that an interrupted run continues from there. A result
holds while the photograph has the same size and time of change, and the detector is the same.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from spotted.errors import PreconditionError
from spotted.formats.detectors.manifest import DetectorManifest
from spotted.formats.row import Box

FORMAT_VERSION = "1.4"
ANIMAL = "animal"
# digits of a confidence and of a fraction; a millionth of the widest photograph is no pixel
CONFIDENCE_DIGITS, FRACTION_DIGITS = 4, 6


@dataclass(frozen=True, slots=True)
class Photograph:
    """A photograph as it was when it was examined."""

    file: str
    """Path relative to the folder of the survey, with slashes."""
    bytes: int
    """Size."""
    changed_ns: int
    """Time of the last change, nanoseconds since 1970."""

    @classmethod
    def of(cls, path: Path, root: Path) -> Photograph:
        """A photograph on the disk; one that is not there has size -1."""
        file = Path(os.path.relpath(path, root)).as_posix()
        try:
            state = path.stat()
        except OSError:
            return cls(file, -1, 0)
        return cls(file, state.st_size, state.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class FoundBox:
    """A box in a photograph."""

    category: int
    """Index of the class."""
    confidence: float
    """0 to 1."""
    box: Box
    """x, y, width, height as fractions of the upright photograph."""


@dataclass(frozen=True, slots=True)
class FoundAnimals:
    """The boxes in one photograph, or why there are none."""

    boxes: tuple[FoundBox, ...] = ()
    """The most confident first."""
    failure: str = ""
    """Why the photograph could not be examined; "" if it was."""


class DetectionResults:
    """The results of one detector in a file.

    Results of another detector are dropped, as are failures, which the next run tries again.
    """

    def __init__(self, path: Path, detector: str) -> None:
        """detector: everything that affects the boxes, as a digest."""
        self._path = path
        self._detector = detector
        self._found = dict(self._read())

    def get(self, photograph: Photograph) -> FoundAnimals | None:
        """The boxes in a photograph; None if it was not examined as it is now."""
        return self._found.get(photograph)

    def add(self, photograph: Photograph, found: FoundAnimals) -> None:
        """Keep a result in the file before this returns."""
        if not self._path.exists():
            self._start()
        self._found[photograph] = found
        boxes = [[one.category, one.confidence, *one.box] for one in found.boxes]
        entry = asdict(photograph) | {"boxes": boxes, "failure": found.failure}
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(entry) + "\n")

    def _start(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps({"detector": self._detector}) + "\n", encoding="utf-8")

    def _read(self) -> Iterator[tuple[Photograph, FoundAnimals]]:
        if not self._path.exists():
            return
        *lines, rest = self._path.read_bytes().split(b"\n")
        try:
            if not lines or json.loads(lines[0]) != {"detector": self._detector}:
                self._path.unlink()
                return
            if rest:
                # an interruption cut the last line off
                os.truncate(self._path, self._path.stat().st_size - len(rest))
            for entry in map(json.loads, lines[1:]):
                if not entry["failure"]:
                    yield _photograph(entry), FoundAnimals(tuple(map(_box, entry["boxes"])))
        except (ValueError, KeyError, TypeError) as error:
            raise PreconditionError(
                f"{self._path} is damaged ({error}); delete it, and all photographs are examined again"
            ) from error


def write_megadetector(
    path: Path, manifest: DetectorManifest, results: Mapping[str, FoundAnimals], *, finished_at: str
) -> None:
    """Write results as JSON of MegaDetector; a file of the same name is replaced.

    results: what was found in each photograph, by its path. finished_at: time of the end of the run.
    Raises PreconditionError if the file cannot be written.
    """
    names = [ANIMAL] if manifest.animals else manifest.class_names
    document = {
        "info": {
            "detection_completion_time": finished_at,
            "format_version": FORMAT_VERSION,
            "detector": f"{manifest.model_id} {manifest.version}",
            "detector_metadata": {"sha256": manifest.sha256, "licence": manifest.licence},
        },
        "detection_categories": {str(number): name for number, name in enumerate(names, start=1)},
        "images": [
            {"file": file, "failure": found.failure, "detections": None}
            if found.failure
            else {"file": file, "detections": list(_detections(found, manifest))}
            for file, found in sorted(results.items())
        ],
    }
    staged = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        staged.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        staged.replace(path)
    except OSError as error:
        raise PreconditionError(
            f"{path} cannot be written: {error}; make room, or choose another file with --output"
        ) from error


def _detections(found: FoundAnimals, manifest: DetectorManifest) -> Iterator[dict[str, object]]:
    for one in found.boxes:
        category = one.category + 1
        if manifest.animals:
            if manifest.class_names[one.category] not in manifest.animals:
                continue
            category = 1
        yield {
            "category": str(category),
            "conf": round(one.confidence, CONFIDENCE_DIGITS),
            "bbox": [round(number, FRACTION_DIGITS) for number in one.box],
        }


def _photograph(entry: Mapping[str, Any]) -> Photograph:
    return Photograph(entry["file"], entry["bytes"], entry["changed_ns"])


def _box(numbers: Sequence[Any]) -> FoundBox:
    category, confidence, x, y, width, height = numbers
    return FoundBox(int(category), confidence, (x, y, width, height))
