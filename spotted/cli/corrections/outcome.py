"""An import carried out: a survey created, or corrected by its edited files."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from spotted.cli.corrections.reimport import Changes, apply_changes, document, lines, read_changes
from spotted.client import Spotted, SurveyHandle
from spotted.client.differences import changed_images
from spotted.console import err, next_step, with_unit
from spotted.errors import AlreadyExistsError, NotFoundError
from spotted.formats.imported_survey import ImportedSurvey
from spotted.formats.sources import Source, is_known, remember

CHANGES_SHOWN = 20
REMOVED, ADDED = "removed:", "added:"


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How an import is carried out."""

    directory: Path
    """Data directory with the records of imports."""
    dry_run: bool
    """Whether to change nothing."""
    delete_removed: bool
    """Whether to delete what the files no longer have, without asking."""
    as_json: bool
    """Whether a program reads the result, so that nobody is asked."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an import."""

    imported: ImportedSurvey
    changes: Changes | None
    """The differences from the stored survey; None if it was created."""
    dry_run: bool
    """Whether nothing was carried out."""
    removed: bool
    """Whether what the files no longer have was deleted."""

    def document(self) -> dict[str, object]:
        """The result as a JSON document."""
        survey = self.imported.survey
        return {
            "survey_id": survey.survey_id,
            "cameras": len(survey.cameras),
            "detections": len(self.imported.pictures),
            "notes": self._notes(),
            "changes": None if self.changes is None else document(self.changes),
            "dry_run": self.dry_run,
            "removed_deleted": self.removed,
        }

    def print(self) -> None:
        """Print the notes, the changes and the next step."""
        for note in self._notes():
            err.print(f"note: {note}", markup=False, soft_wrap=True)
        listed = [] if self.changes is None else list(lines(self.changes))
        for line in listed[:CHANGES_SHOWN]:
            click.echo(line)
        if len(listed) > CHANGES_SHOWN:
            click.echo(f"... and {len(listed) - CHANGES_SHOWN} more; --json lists them all")
        survey, pictures = self.imported.survey, self.imported.pictures
        click.echo(
            f"survey {survey.survey_id}: {with_unit(len(survey.cameras), 'camera')}, "
            f"{with_unit(len(pictures), 'detection')} to embed"
        )
        if self.dry_run:
            click.echo("nothing was changed; import without --dry-run to carry it out")
        else:
            next_step(f"spotted embed {survey.survey_id}")

    def _notes(self) -> list[str]:
        return [
            *self.imported.notes,
            *_change_notes(self.changes, dry_run=self.dry_run, removed=self.removed),
        ]


def carry_out(spotted: Spotted, source: Source, imported: ImportedSurvey, options: ImportOptions) -> Outcome:
    """Create the survey of files, or correct it after they were edited.

    Raises AlreadyExistsError if the survey was imported from other files, which differ.
    """
    survey_id = imported.survey.survey_id
    handle = spotted.survey(survey_id)
    changes = read_changes(handle, imported) if _exists(handle) else None
    if changes and not (changes.moved or is_known(options.directory, survey_id, source)):
        raise _other_files(survey_id, changes)
    removed = _removal(changes, options)
    if not options.dry_run:
        if changes is None:
            spotted.create_survey(imported.survey)
        elif changes:
            apply_changes(handle, imported, changes, delete_removed=removed)
        remember(options.directory, survey_id, source)
    return Outcome(imported, changes, dry_run=options.dry_run, removed=removed)


def _change_notes(changes: Changes | None, *, dry_run: bool, removed: bool) -> Iterator[str]:
    if changes is None:
        return
    done = "would change" if dry_run else "changed"
    if changes.survey or changes.cameras.added or changes.cameras.changed:
        yield f"the period or the cameras of the survey {done}, and with them its extent and scores"
    images = changed_images(changes.detections)
    if images:
        yield (
            f"{with_unit(len(images), 'detection')} with another image or box, such as {images[0]!r}; run "
            "`spotted embed` to embed them again and correct them"
        )
    if changes.removed and not removed:
        yield (
            f"{changes.removal_text()} are no longer in the files, and stay in the survey; import with "
            "--delete-removed to delete them"
        )


def _removal(changes: Changes | None, options: ImportOptions) -> bool:
    """Whether to delete what the files no longer have; a person at a terminal is asked."""
    if changes is None or not changes.removed or options.dry_run:
        return False
    if options.delete_removed or options.as_json or not is_interactive():
        return options.delete_removed
    for line in [line for line in lines(changes) if line.startswith(REMOVED)][:CHANGES_SHOWN]:
        err.print(line, markup=False, soft_wrap=True)
    return click.confirm(f"delete {changes.removal_text()} that are no longer in the files?", err=True)


def _other_files(survey_id: str, changes: Changes) -> AlreadyExistsError:
    """The error for files that differ from a survey that was not imported from them."""
    first = next(line for line in lines(changes) if not line.startswith(ADDED) or changes.cameras.added)
    return AlreadyExistsError(
        f"survey {survey_id!r} exists and was imported from other files, which differ ({first}); import "
        "those with the same options, or choose another survey_id with --survey"
    )


def is_interactive() -> bool:
    """Whether a person can answer questions."""
    return sys.stdin.isatty()


def _exists(handle: SurveyHandle) -> bool:
    try:
        handle.info()
    except NotFoundError:
        return False
    return True
