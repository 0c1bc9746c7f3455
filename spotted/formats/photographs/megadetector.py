"""Boxes of MegaDetector's JSON added to a survey of any layout; several animals become several detections.

The file has `images`, each with `file`, `detections` (`category`, `conf`, `bbox`: x, y, width, height as
fractions of the image) or `failure`, and `detection_categories`: the batch output format of
https://github.com/agentmorris/MegaDetector.
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from spotted.errors import InvalidInputError
from spotted.formats.imported_survey import ImportedSurvey, format_count
from spotted.formats.picture import Picture
from spotted.formats.problems import Problems
from spotted.formats.row import BOX_TOLERANCE, Box, absolute_path

# the threshold that the makers of MegaDetector 5 recommend to start from
CONFIDENCE = 0.2
# categories that are no animals
_OTHERS = frozenset({"person", "human", "vehicle", "empty", "blank"})
# a file of millions of images is recognised by its start and its end
_EXAMINED_BYTES = 65_536

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


@dataclass(frozen=True, slots=True)
class AnimalBox:
    """A box of an animal in one image."""

    confidence: float
    """0 to 1."""
    box: Box
    """x, y, width, height as fractions of the image."""


@dataclass(frozen=True, slots=True)
class AnimalBoxes:
    """The animals of each image of a file."""

    by_image: Mapping[str, tuple[AnimalBox, ...]]
    """By path with slashes, as written in the file; the most confident first."""
    failures: frozenset[str]
    """Images that the detector could not read."""


def is_megadetector(path: Path) -> bool:
    """Whether a file is JSON of MegaDetector."""
    try:
        with path.open("rb") as handle:
            start = handle.read(_EXAMINED_BYTES)
            handle.seek(max(0, path.stat().st_size - _EXAMINED_BYTES))
            end = handle.read()
    except OSError:
        return False
    return start.lstrip().startswith(b"{") and b'"detection_categories"' in start + end


def read_megadetector(path: str | os.PathLike[str]) -> AnimalBoxes:
    """The animals in a file of MegaDetector.

    Raises InvalidInputError if it is no such file, or with the first ten wrong boxes.
    """
    file = absolute_path(path)
    images, categories = _content(file)
    others = {key for key, name in categories.items() if str(name).lower() in _OTHERS}
    problems = Problems()
    by_image: dict[str, tuple[AnimalBox, ...]] = {}
    failures = set[str]()
    for entry in images:
        image = entry.get("file") if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not isinstance(image, str):
            problems.add(f"{file.name} has an image without 'file'; write its path", file.name)
            continue
        name = image.replace("\\", "/").removeprefix("./")
        detections = entry.get("detections")
        if not isinstance(detections, list):
            failures.add(name)
            continue
        animals = _animals(detections, others, f"{file.name}, image {image!r}", problems)
        by_image[name] = tuple(sorted(animals, key=lambda animal: -animal.confidence))
    problems.raise_any()
    return AnimalBoxes(by_image, frozenset(failures))


def with_boxes(
    imported: ImportedSurvey,
    path: str | os.PathLike[str],
    *,
    images_root: str | os.PathLike[str],
    confidence: float = CONFIDENCE,
    keep_empty: bool = True,
) -> ImportedSurvey:
    """A survey with the boxes of a file of MegaDetector.

    A photograph with several animals becomes several detections of one image: the most confident keeps the id
    of the photograph, the others get #2, #3 ... in order, so that another threshold changes no id. Detections
    that have a box keep it, and those of a known individual stay whole if there are several animals.
    images_root: the folder that the paths of the file are relative to; paths of another folder are matched by
        their last parts.
    confidence: the least confidence of a box.
    keep_empty: keep photographs without such a box, because a person saw an animal there.
    Raises InvalidInputError like `read_megadetector`, and if no detection is left.
    """
    boxes = read_megadetector(path)
    root, name = absolute_path(images_root), Path(path).name
    known = _image_names(imported.pictures, boxes, root)
    counts: Counter[str] = Counter()
    pictures: list[Picture] = []
    for picture in imported.pictures:
        image = known.get(picture.path) if picture.path else None
        kept = list(_expanded(picture, image, boxes, confidence, counts, keep_empty=keep_empty))
        counts["animals"] += len(kept)
        pictures += kept
    if not pictures:
        raise InvalidInputError(
            f"{name} has no animal of at least {confidence:g} confidence; lower it with --confidence",
            field="confidence",
        )
    return replace(
        imported, pictures=tuple(pictures), notes=(*imported.notes, *_notes(name, confidence, counts))
    )


def _content(file: Path) -> tuple[list[Json], dict[str, Json]]:
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"{file} cannot be read as JSON: {error}", field=file.name) from error
    images = content.get("images") if isinstance(content, dict) else None
    categories = content.get("detection_categories") if isinstance(content, dict) else None
    if not isinstance(images, list) or not isinstance(categories, dict):
        raise InvalidInputError(
            f"{file} is not a file of MegaDetector; it needs 'images' and 'detection_categories'",
            field=file.name,
        )
    return images, categories


def _animals(
    detections: Iterable[Json], others: set[str], source: str, problems: Problems
) -> Iterator[AnimalBox]:
    for detection in detections:
        fields = detection if isinstance(detection, dict) else {}
        if str(fields.get("category")) in others:
            continue
        box, confidence = _box(fields.get("bbox")), _fraction(fields.get("conf"))
        if box is None or confidence is None:
            problems.add(
                f"{source} has a box that cannot be used; it needs conf from 0 to 1, and bbox as x, y, "
                "width, height in fractions of the image",
                source,
            )
        else:
            yield AnimalBox(confidence, box)


def _box(value: Json) -> Box | None:
    if not isinstance(value, list):
        return None
    numbers = [number for number in map(_fraction, value) if number is not None]
    if len(numbers) != len(value) or len(numbers) != 4:  # noqa: PLR2004 - x, y, width, height
        return None
    x, y, width, height = numbers
    if max(x + width, y + height) > 1.0 + BOX_TOLERANCE:
        return None
    width, height = min(width, 1.0 - x), min(height, 1.0 - y)
    return (x, y, width, height) if width > 0.0 and height > 0.0 else None


def _fraction(value: Json) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    inside = min(max(float(value), 0.0), 1.0)
    return inside if abs(inside - value) <= BOX_TOLERANCE else None


def _image_names(pictures: Sequence[Picture], boxes: AnimalBoxes, root: Path) -> dict[Path, str]:
    """The name in the file of each image: its path below the root, or else the only one with its last parts.

    A name that several images would get is given to none.
    """
    names = {*boxes.by_image, *boxes.failures}
    by_end: defaultdict[str, list[tuple[str, ...]]] = defaultdict(list)
    for name in names:
        by_end[PurePosixPath(name).name].append(PurePosixPath(name).parts)
    exact: dict[Path, str] = {}
    similar: dict[Path, str] = {}
    for path in dict.fromkeys(picture.path for picture in pictures if picture.path):
        below = Path(os.path.relpath(path, root)).as_posix()
        if below in names:
            exact[path] = below
            continue
        parts = PurePosixPath(below).parts
        ends = [other for other in by_end[parts[-1]] if _is_end(parts, other)]
        if len(ends) == 1:
            similar[path] = "/".join(ends[0]).replace("//", "/")
    used = Counter([*similar.values(), *exact.values()])
    return exact | {path: name for path, name in similar.items() if used[name] == 1 and name in names}


def _is_end(first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether one path ends with the other."""
    shorter = min(len(first), len(second))
    return list(first[-shorter:]) == list(second[-shorter:])


def _expanded(
    picture: Picture,
    image: str | None,
    boxes: AnimalBoxes,
    confidence: float,
    counts: Counter[str],
    *,
    keep_empty: bool,
) -> Iterator[Picture]:
    """The detections of a picture, one for each animal."""
    if picture.box is not None or image is None or image in boxes.failures:
        reason = "own" if picture.box else "absent" if image is None else "failed"
        counts[reason] += 1
        yield picture
        return
    found = [one for one in boxes.by_image[image] if one.confidence >= confidence]
    detection = picture.detection
    if not found:
        counts["empty"] += 1
        if keep_empty:
            yield picture
    elif len(found) > 1 and detection.individual_id:
        counts["several"] += 1
        yield picture
    else:
        for number, one in enumerate(found, start=1):
            new_id = detection.detection_id if number == 1 else f"{detection.detection_id}#{number}"
            boxed = replace(detection, detection_id=new_id, image_id=detection.image_id or image)
            yield replace(picture, detection=boxed, box=one.box)


def _notes(name: str, confidence: float, counts: Counter[str]) -> Iterator[str]:
    yield (
        f"boxes of {name}, confidence at least {confidence:g}: {format_count(counts['animals'], 'detection')}"
    )
    for reason, text in (
        ("empty", "without an animal of that confidence"),
        ("absent", f"not in {name}, kept as whole images"),
        ("failed", "that the detector could not read, kept as whole images"),
        ("own", "with a box of their own, which is kept"),
        ("several", "of a known individual with several boxes, kept as whole images: whose box is unknown"),
    ):
        if counts[reason]:
            yield f"{format_count(counts[reason], 'photograph')} {text}"
