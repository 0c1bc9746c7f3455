"""`spotted import`: create a survey from files, or correct it after they were edited."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from spotted.cli.connection import connect
from spotted.cli.corrections.outcome import ImportOptions, carry_out
from spotted.cli.sources import Source
from spotted.console import data_option, err, json_option, show
from spotted.errors import InvalidInputError
from spotted.formats.layouts.recognition import (
    CAMERAS_FILE,
    CAMTRAP_DP,
    CATALOGUE,
    DETECTIONS_FILE,
    LAYOUTS,
    PUBLISHED_SET,
    TABLES,
    Recognised,
    recognise,
)

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
DIRECTORY = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("import")
@click.argument("package", type=click.Path(exists=True, path_type=Path), required=False)
@click.option("--survey", "survey_id", default="", help="Id of the survey; default: the name of the package.")
@click.option(
    "--layout",
    type=click.Choice(LAYOUTS),
    help="Layout of PACKAGE; default: recognised by its contents, and shown with the reason.",
)
@click.option(
    "--species",
    default="",
    help="Species to import, if the files contain several: scientificName or species.",
)
@click.option("--cameras", type=FILE, help="CSV of cameras; with --detections it replaces PACKAGE.")
@click.option("--detections", type=FILE, help="CSV of detections; with --cameras it replaces PACKAGE.")
@click.option("--images", type=DIRECTORY, help="Folder that image paths are relative to.")
@click.option(
    "--strict",
    is_flag=True,
    help="Refuse doubtful values, such as a time far from the camera's others, instead of leaving them out.",
)
@click.option(
    "--timezone",
    default="",
    help="IANA time zone of the survey and of times without offset, e.g. Africa/Harare.",
)
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
    layout: str | None,
    species: str,
    cameras: Path | None,
    detections: Path | None,
    images: Path | None,
    timezone: str,
    strict: bool,
    dry_run: bool,
    delete_removed: bool,
) -> None:
    """Create a survey from files: its cameras and detections.

    PACKAGE is a file or directory in one of the layouts, which is recognised by itself. It can be replaced
    by two CSV files: --cameras with camera_id and x_m, y_m (or latitude, longitude), and --detections with
    camera_id, timestamp and image. Published sets and catalogues contain no camera positions: give them with
    --cameras, or in a cameras.csv beside the photographs. The files are never changed. `spotted embed` adds
    the detections.

    Importing again after an edit shows what was added, changed and removed, and carries it out. What the
    files no longer have is deleted only after a confirmation or with --delete-removed.
    """
    _check_usage(package, layout, cameras=cameras, detections=detections)
    seen = _seen(package, layout)
    _check_layout(seen, cameras=cameras, images=images)
    if seen.layout == TABLES and package is not None:
        cameras, detections, package = package / CAMERAS_FILE, package / DETECTIONS_FILE, None
    source = Source(
        package=_absolute(package and seen.path),
        cameras=_absolute(cameras),
        detections=_absolute(detections),
        images_root=_absolute(images),
        species=species,
        timezone=timezone,
        layout=seen.layout,
        strict=strict,
    )
    with err.status("reading files"):
        imported = source.read(survey_id)
    # an offset is no time zone of the database
    zoned = replace(imported.survey, time_zone="" if timezone[:1] in {"+", "-"} else timezone)
    read_as = [f"read as {seen.reason}; --layout chooses another"] if seen.reason else []
    notes = [*read_as, *imported.notes]
    if not imported.pictures:
        raise InvalidInputError("\n  ".join(["the files contain no detection to import:", *notes]))
    options = ImportOptions(directory, dry_run=dry_run, delete_removed=delete_removed, as_json=as_json)
    with connect(directory) as spotted:
        outcome = carry_out(spotted, source, replace(imported, survey=zoned, notes=tuple(notes)), options)
    show(outcome.document() | {"layout": seen.layout}, as_json=as_json, text=outcome.print)


def _check_usage(
    package: Path | None, layout: str | None, *, cameras: Path | None, detections: Path | None
) -> None:
    if (package is None) == (detections is None):
        raise click.UsageError("give either PACKAGE, or both --cameras and --detections")
    if package is None:
        if cameras is None:
            raise click.UsageError("--detections requires --cameras")
        if layout not in {None, TABLES}:
            raise click.UsageError(f"--layout {layout} requires PACKAGE instead of --detections")


def _seen(package: Path | None, layout: str | None) -> Recognised:
    """The layout of the files, with the reason if it was not given."""
    if package is None:
        return Recognised(TABLES, Path(), "")
    return Recognised(layout, package, "") if layout else recognise(package)


def _check_layout(seen: Recognised, *, cameras: Path | None, images: Path | None) -> None:
    """Refuse options that the layout does not read."""
    if seen.layout == CAMTRAP_DP and cameras is not None:
        raise click.UsageError("a Camtrap DP directory contains its cameras; leave out --cameras")
    if seen.layout != CATALOGUE and not seen.path.is_dir():
        raise click.UsageError(f"{seen.path} is a file; --layout {seen.layout} requires a directory")
    if seen.layout == PUBLISHED_SET and images is not None:
        raise click.UsageError("--layout spotted-published contains its images; leave out --images")


def _absolute(path: Path | None) -> str:
    return "" if path is None else str(path.resolve())
