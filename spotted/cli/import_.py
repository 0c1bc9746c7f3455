"""`spotted import`: create a survey from files, or correct it after they were edited."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from spotted.cli.connection import connect
from spotted.cli.corrections.reimport import Changes, apply_changes, document, lines, read_changes
from spotted.cli.sources import CAMTRAP_DP, CATALOGUE, LAYOUTS, PUBLISHED, Source, is_known, remember
from spotted.client import SurveyHandle
from spotted.client.differences import changed_images
from spotted.console import data_option, err, json_option, show, with_unit
from spotted.errors import AlreadyExistsError, NotFoundError
from spotted.formats.imported_survey import ImportedSurvey

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
DIRECTORY = click.Path(exists=True, file_okay=False, path_type=Path)
CHANGES_SHOWN = 20
REMOVED, ADDED = "removed:", "added:"


@click.command("import")
@click.argument("package", type=click.Path(exists=True, path_type=Path), required=False)
@click.option("--survey", "survey_id", default="", help="Id of the survey; default: the name of the package.")
@click.option(
    "--layout",
    type=click.Choice(LAYOUTS),
    default=CAMTRAP_DP,
    show_default=True,
    help="Layout of PACKAGE: a Camtrap DP directory; folders and file names as in Spotted's published sets; "
    "or a wildlife-datasets catalogue, given as its CSV or as the directory of catalogue.csv.",
)
@click.option(
    "--species", default="", help="scientificName to import, if the package contains several species."
)
@click.option("--cameras", type=FILE, help="CSV of cameras; with --detections it replaces PACKAGE.")
@click.option("--detections", type=FILE, help="CSV of detections; with --cameras it replaces PACKAGE.")
@click.option("--images", type=DIRECTORY, help="Folder that image paths are relative to.")
@click.option("--timezone", default="", help="IANA time zone of times without offset, e.g. Africa/Harare.")
@click.option("--dry-run", is_flag=True, help="Show what an import would change, and change nothing.")
@click.option(
    "--delete-removed",
    is_flag=True,
    help="Delete detections and cameras that the files no longer have, without asking.",
)
@data_option
@json_option
def import_survey(
    *,
    package: Path | None,
    directory: Path,
    as_json: bool,
    survey_id: str,
    layout: str,
    species: str,
    cameras: Path | None,
    detections: Path | None,
    images: Path | None,
    timezone: str,
    dry_run: bool,
    delete_removed: bool,
) -> None:
    """Create a survey from files: its cameras and detections.

    PACKAGE can be replaced by two CSV files: --cameras with camera_id and x_m, y_m (or latitude, longitude),
    and --detections with camera_id, timestamp and image. Published sets and catalogues contain no camera
    positions: give them with --cameras, or in a cameras.csv beside the photographs. The files are never
    changed. `spotted embed` adds the detections.

    Importing again after an edit shows what was added, changed and removed, and carries it out. What the
    files no longer have is deleted only after a confirmation or with --delete-removed.
    """
    _check_usage(package, layout, cameras=cameras, detections=detections, images=images)
    source = Source(
        package=_absolute(package),
        cameras=_absolute(cameras),
        detections=_absolute(detections),
        images_root=_absolute(images),
        species=species,
        timezone=timezone,
        layout=layout,
    )
    with err.status("reading files"):
        imported = source.read(survey_id)
    with connect(directory) as spotted:
        handle = spotted.survey(imported.survey.survey_id)
        changes = read_changes(handle, imported) if _exists(handle) else None
        if changes and not (changes.moved or is_known(directory, handle.survey_id, source)):
            raise _other_files(handle.survey_id, changes)
        removed = _removal(changes, delete_removed=delete_removed, dry_run=dry_run, as_json=as_json)
        if not dry_run and changes:
            apply_changes(handle, imported, changes, delete_removed=removed)
        elif not dry_run and changes is None:
            spotted.create_survey(imported.survey)
    if not dry_run:
        remember(directory, imported.survey.survey_id, source)
    result = Result(imported, changes, dry_run=dry_run, removed=removed)
    show(result.document(), as_json=as_json, text=result.print)


@dataclass(frozen=True, slots=True)
class Result:
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
            click.echo(f"next: spotted embed {survey.survey_id}")

    def _notes(self) -> list[str]:
        return [
            *self.imported.notes,
            *_change_notes(self.changes, dry_run=self.dry_run, removed=self.removed),
        ]


def _change_notes(changes: Changes | None, *, dry_run: bool, removed: bool) -> Iterator[str]:
    if changes is None:
        return
    done = "would change" if dry_run else "changed"
    if changes.survey or changes.cameras.added or changes.cameras.changed:
        yield f"the period or the cameras of the survey {done}, and with them its extent and scores"
    images = changed_images(changes.detections)
    if images:
        yield (
            f"{with_unit(len(images), 'detection')} with another image, such as {images[0]!r}; run "
            "`spotted embed` to embed them again and correct them"
        )
    if changes.removed and not removed:
        yield (
            f"{changes.removal_text()} are no longer in the files, and stay in the survey; import with "
            "--delete-removed to delete them"
        )


def _removal(changes: Changes | None, *, delete_removed: bool, dry_run: bool, as_json: bool) -> bool:
    """Whether to delete what the files no longer have; a person at a terminal is asked."""
    if changes is None or not changes.removed or dry_run:
        return False
    if delete_removed or as_json or not is_interactive():
        return delete_removed
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


def _check_usage(
    package: Path | None, layout: str, *, cameras: Path | None, detections: Path | None, images: Path | None
) -> None:
    if (package is None) == (detections is None):
        raise click.UsageError("give either PACKAGE, or both --cameras and --detections")
    if package is None:
        if cameras is None:
            raise click.UsageError("--detections requires --cameras")
        if layout != CAMTRAP_DP:
            raise click.UsageError(f"--layout {layout} requires PACKAGE instead of --detections")
    elif layout == CAMTRAP_DP and cameras is not None:
        raise click.UsageError("a Camtrap DP directory contains its cameras; leave out --cameras")
    elif layout != CATALOGUE and not package.is_dir():
        raise click.UsageError(f"{package} is a file; --layout {layout} requires a directory")
    elif layout == PUBLISHED and images is not None:
        raise click.UsageError("--layout spotted-published contains its images; leave out --images")


def _absolute(path: Path | None) -> str:
    return "" if path is None else str(path.resolve())
