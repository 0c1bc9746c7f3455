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
        content = json.loads(_path(directory, survey_id).read_text())
        return Source(**content | {"trusted_clocks": tuple(content.get("trusted_clocks", ()))})
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


def detection_lock(directory: Path, survey_id: str) -> Path:
    """The file that keeps two detections of a survey apart."""
    return _path(directory, survey_id, "detecting")


def forget(directory: Path, survey_id: str) -> None:
    """Remove the record of a survey's source and what a detector found, if there are any."""
    _path(directory, survey_id).unlink(missing_ok=True)
    detected = detected_boxes(directory, survey_id)
    for path in (detected, progress_file(detected), detection_lock(directory, survey_id)):
        path.unlink(missing_ok=True)


def is_known(directory: Path, survey_id: str, source: Source) -> bool:
    """True if the survey was imported from this source before, by whatever columns."""
    try:
        return _without_columns(recall(directory, survey_id)) == _without_columns(source)
    except NotFoundError:
        return False


def _without_columns(source: Source) -> Source:
    """A source without what a corrected column map changes."""
    plain = replace(source, columns={}, camera_columns={}, date_format="", station="", strict=False)
    return replace(plain, trusted_clocks=())


def _path(directory: Path, survey_id: str, folder: str = "imports") -> Path:
    # an id that is not the name of a file, such as `../x`, has no record
    name = survey_id if survey_id == Path(survey_id).name else ""
    return directory / folder / f"{name}.json"
