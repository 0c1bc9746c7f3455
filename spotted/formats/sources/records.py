"""The sources of the surveys of a data directory, so that later commands need only the id of a survey."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

from spotted.errors import NotFoundError
from spotted.formats.sources.source import Source


def remember(directory: Path, survey_id: str, source: Source) -> None:
    """Record a survey's source in the data directory."""
    path = _path(directory, survey_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(source), indent=2))


def recall(directory: Path, survey_id: str) -> Source:
    """The recorded source of a survey. Raises NotFoundError if the directory has no record of it."""
    try:
        return Source(**json.loads(_path(directory, survey_id).read_text()))
    except FileNotFoundError as error:
        raise NotFoundError(
            f"survey {survey_id!r} was not imported into {directory}; run `spotted import` first"
        ) from error


def detected_boxes(directory: Path, survey_id: str) -> Path:
    """The file with what a detector found in the photographs of a survey."""
    return _path(directory, survey_id, "boxes")


def progress_file(boxes: Path) -> Path:
    """The file beside the boxes from which an interrupted detection continues."""
    return boxes.with_name(f"{boxes.name}l")


def with_detected_boxes(directory: Path, survey_id: str, source: Source) -> Source:
    """The source with the boxes that a detector found after an import with the same options."""
    boxes = str(detected_boxes(directory, survey_id).resolve())
    if source.boxes or not Path(boxes).is_file():
        return source
    boxed = replace(source, boxes=boxes)
    try:
        known = recall(directory, survey_id)
    except NotFoundError:
        return source
    return known if replace(boxed, confidence=known.confidence) == known else source


def forget(directory: Path, survey_id: str) -> None:
    """Remove the record of a survey's source and what a detector found, if there are any."""
    _path(directory, survey_id).unlink(missing_ok=True)
    detected = detected_boxes(directory, survey_id)
    for path in (detected, progress_file(detected)):
        path.unlink(missing_ok=True)


def is_known(directory: Path, survey_id: str, source: Source) -> bool:
    """True if the survey was imported from this source before."""
    try:
        return recall(directory, survey_id) == source
    except NotFoundError:
        return False


def _path(directory: Path, survey_id: str, folder: str = "imports") -> Path:
    # an id that is not the name of a file, such as `../x`, has no record
    name = survey_id if survey_id == Path(survey_id).name else ""
    return directory / folder / f"{name}.json"
