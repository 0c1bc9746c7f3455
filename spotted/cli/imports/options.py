"""Column maps of the command line, and the options of the last import of the same files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import click

from spotted.errors import NotFoundError
from spotted.formats.columns import resolve_columns
from spotted.formats.imported_survey import survey_slug
from spotted.formats.layouts.programs import TIMELAPSE
from spotted.formats.layouts.timelapse import timelapse_columns
from spotted.formats.photographs.megadetector import CONFIDENCE
from spotted.formats.sheets import read_titles
from spotted.formats.sources import Source, recall
from spotted.formats.sources.source import MAPS, READERS

# fields of a source that the command line leaves "" to take those of the last import, and their options
REPEATED = {
    "species": "--species",
    "timezone": "--timezone",
    "images_root": "--images",
    "cameras": "--cameras",
    "station": "--station",
    "date_format": "--date-format",
    "trusted_clocks": "--trust-clock",
}


def parse_map(entries: Iterable[str]) -> dict[str, str]:
    """The columns that `--map FIELD=COLUMN` names, by field. Raises UsageError for another form."""
    columns = {}
    for entry in entries:
        name, equals, title = entry.partition("=")
        if not equals or not name.strip():
            raise click.UsageError(f"--map {entry!r} is not FIELD=COLUMN; write e.g. --map camera_id=Station")
        columns[name.strip()] = title.strip().strip("'\"")
    return columns


def with_last_options(directory: Path, survey_id: str, source: Source) -> tuple[Source, list[str]]:
    """A source with the options of the last import of the same files, if they are not given; and a note."""
    last = _last(directory, survey_id or _usual_id(source), source)
    if last is None:
        return source, []
    kept = {
        name: getattr(last, name) for name in REPEATED if getattr(last, name) and not getattr(source, name)
    }
    if last.boxes and not source.boxes and source.confidence == CONFIDENCE:
        kept |= {"boxes": last.boxes, "confidence": last.confidence}
    listed = ", ".join(f"{REPEATED[name]} {_shown(kept[name])}" for name in REPEATED if name in kept)
    note = [f"options of the last import are used: {listed}"] if listed else []
    return replace(source, **kept), note


def with_columns(
    directory: Path, survey_id: str, source: Source, given: dict[str, str]
) -> tuple[Source, list[str]]:
    """A source of a table with any titles, with the columns that are given, saved, or guessed; and notes.

    Raises InvalidInputError if the columns are not clear, or one of the last import is gone.
    """
    last = _last(directory, survey_id or _usual_id(source), source)
    titles = read_titles(Path(source.package))
    usual = timelapse_columns(titles[0]) if titles and source.layout == TIMELAPSE else {}
    found = resolve_columns(
        source.package,
        {**usual, **given},
        cameras=source.cameras or None,
        saved=last.columns if last else {},
        saved_cameras=last.camera_columns if last else {},
    )
    resolved = replace(
        source,
        columns=dict(found.columns),
        camera_columns=dict(found.camera_columns),
        cameras=str(found.cameras or ""),
    )
    return resolved, list(found.notes)


def _shown(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _last(directory: Path, survey_id: str, source: Source) -> Source | None:
    """The source of the last import of a survey, if it had the same files."""
    try:
        last = recall(directory, survey_id)
    except NotFoundError:
        return None
    return last if last.is_of_files(source) else None


def _usual_id(source: Source) -> str:
    """The id that a survey of these files gets without --survey."""
    path = Path(source.package or source.detections)
    if source.layout in {*MAPS, *READERS}:
        return survey_slug(path.stem)
    return survey_slug(path.name if path.is_dir() else path.parent.name)
