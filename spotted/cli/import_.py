"""`spotted import`: create a survey from files, or correct it after they were edited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from spotted.cli.connection import connect
from spotted.cli.corrections.outcome import ImportOptions, carry_out
from spotted.cli.imports import parse_map, with_columns, with_last_options
from spotted.console import data_option, err, json_option, show
from spotted.errors import InvalidInputError
from spotted.formats.archive import unpack
from spotted.formats.camtrapdp.package import DESCRIPTOR
from spotted.formats.columns.dates import read_date_format
from spotted.formats.imported_survey import ImportedSurvey, survey_slug
from spotted.formats.layouts.contents import columns_of
from spotted.formats.layouts.recognition import (
    CAMERAS_FILE,
    CAMTRAP_DP,
    CATALOGUE,
    DETECTIONS_FILE,
    LAYOUTS,
    MAPPED,
    PHOTOGRAPHS,
    PUBLISHED_SET,
    TABLES,
    WILDLIFE_INSIGHTS,
    Recognised,
    recognise,
    recognise_detections,
)
from spotted.formats.photographs.megadetector import CONFIDENCE
from spotted.formats.sources import Source
from spotted.formats.sources.source import EXPORTS, MAPS, READERS

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
# photographs between two updates of the status line
SHOWN_EVERY = 500
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
@click.option(
    "--map",
    "mapped",
    multiple=True,
    metavar="FIELD=COLUMN",
    help="Column of a table with any titles, e.g. camera_id=Station; default: guessed, shown and saved.",
)
@click.option(
    "--date-format",
    default="",
    metavar="FORM",
    help="Form of dates that could be read in two ways, e.g. DD/MM/YYYY; default: found in the dates.",
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
    "--station",
    default="",
    metavar="PATTERN",
    help="Station of photographs in folders, e.g. '{station}' for the first folder; default: guessed, shown.",
)
@click.option("--boxes", type=FILE, help="JSON of MegaDetector with boxes of animals, for any layout.")
@click.option(
    "--confidence",
    type=click.FloatRange(0.0, 1.0),
    default=CONFIDENCE,
    show_default=True,
    help="Least confidence of a box.",
)
@click.option(
    "--timezone",
    default="",
    help="IANA time zone of the survey and of times without offset, e.g. Africa/Harare.",
)
@click.option(
    "--trust-clock",
    "trusted_clocks",
    multiple=True,
    metavar="CAMERA",
    help="Camera whose times are right although they lie apart from all others; '' for none again.",
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
    station: str,
    mapped: tuple[str, ...],
    date_format: str,
    boxes: Path | None,
    confidence: float,
    timezone: str,
    trusted_clocks: tuple[str, ...],
    strict: bool,
    dry_run: bool,
    delete_removed: bool,
) -> str:
    """Create a survey from files: its cameras and detections.

    PACKAGE is a file or directory in one of the layouts, which is recognised by itself. It can be replaced
    by two CSV files: --cameras with camera_id and x_m, y_m (or latitude, longitude), and --detections with
    camera_id, timestamp and image. A table with other titles is read by a map from fields to columns, which
    is guessed, shown and saved with the survey; --map changes it. Folders of photographs, published sets and
    catalogues contain no camera positions: give them with --cameras, or in a cameras.csv beside the
    photographs. The files are never changed. `spotted embed` adds the detections.

    Importing again after an edit shows what was added, changed and removed, and carries it out. What the
    files no longer have is deleted only after a confirmation or with --delete-removed.
    """
    _check_usage(package, layout, cameras=cameras, detections=detections)
    package = _unpacked(package, directory)
    columns = parse_map(mapped)
    seen = _seen(package, layout, detections, is_mapped=bool(columns))
    if package is not None and package.is_dir() and seen.layout in {*MAPS, *READERS}:
        # the table in a folder often has the name of its program
        survey_id = survey_id or survey_slug(package.resolve().name)
    _check_layout(seen, cameras=cameras, images=images, station=station)
    source, notes = _complete(
        directory,
        survey_id,
        seen,
        columns,
        Source(
            package=_absolute(seen.path if package or seen.layout == MAPPED else None),
            cameras=_absolute(cameras),
            detections=_absolute(None if seen.layout == MAPPED else detections),
            date_format=date_format and read_date_format(date_format),
            images_root=_absolute(images),
            species=species,
            timezone=timezone,
            layout=seen.layout,
            station=station,
            boxes=_absolute(boxes or seen.boxes),
            confidence=confidence,
            strict=strict,
            trusted_clocks=trusted_clocks,
        ),
    )
    imported = _read(source, survey_id)
    read_as = [f"read as {seen.reason}; --layout chooses another"] if seen.reason else []
    notes = [*read_as, *notes, *imported.notes]
    if not imported.pictures:
        raise InvalidInputError("\n  ".join(["the files contain no detection to import:", *notes]))
    options = ImportOptions(directory, dry_run=dry_run, delete_removed=delete_removed, as_json=as_json)
    with connect(directory) as spotted:
        outcome = carry_out(spotted, source, _zoned(imported, timezone, notes), options)
    show(outcome.document() | {"layout": seen.layout}, as_json=as_json, text=outcome.print)
    # for commands that begin with an import
    return outcome.imported.survey.survey_id


def _zoned(imported: ImportedSurvey, timezone: str, notes: Sequence[str]) -> ImportedSurvey:
    """With the time zone of the survey, unless it is only an offset, and all notes."""
    survey = replace(imported.survey, time_zone="" if timezone[:1] in {"+", "-"} else timezone)
    return replace(imported, survey=survey, notes=tuple(notes))


def _read(source: Source, survey_id: str) -> ImportedSurvey:
    """Read the files, with the number of photographs read so far on the terminal."""
    done = 0
    with err.status("reading files") as status:

        def advance(count: int) -> None:
            nonlocal done
            done += count
            if done % SHOWN_EVERY == 0:
                status.update(f"reading files: {done:,} photographs")

        return source.read(survey_id, on_progress=advance)


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


def _seen(
    package: Path | None, layout: str | None, detections: Path | None, *, is_mapped: bool
) -> Recognised:
    """The layout of the files, with the reason if it was not given."""
    if package is None and detections is not None:
        if not is_mapped and (layout or {"camera_id", "timestamp"} <= set(columns_of(detections))):
            return Recognised(TABLES, Path(), "")
        if is_mapped:
            return Recognised(MAPPED, detections, "a table of detections with titles of its own")
        return recognise_detections(detections)
    if package is None or layout or (is_mapped and package.is_file()):
        return Recognised(layout or MAPPED, package or Path(), "")
    return recognise(package)


def _complete(
    directory: Path, survey_id: str, seen: Recognised, columns: dict[str, str], given: Source
) -> tuple[Source, list[str]]:
    """The source as its layout needs it, with the options and columns of the last import; and notes."""
    if seen.layout == TABLES and given.package:
        # a directory of two tables is these tables
        cameras, detections = seen.path / CAMERAS_FILE, seen.path / DETECTIONS_FILE
        given = replace(given, package="", cameras=_absolute(cameras), detections=_absolute(detections))
    if given.strict and any(given.trusted_clocks):
        raise click.UsageError("--strict refuses times that --trust-clock confirms; leave out one of them")
    source, notes = with_last_options(directory, survey_id, given)
    if seen.layout not in MAPS:
        if columns:
            raise click.UsageError(f"--map is for --layout {MAPPED}, this is {seen.layout}")
        return source, notes
    mapped, guessed = with_columns(directory, survey_id, source, columns)
    return mapped, [*notes, *guessed]


def _check_layout(seen: Recognised, *, cameras: Path | None, images: Path | None, station: str) -> None:
    """Refuse options that the layout does not read."""
    if station and seen.layout not in {PHOTOGRAPHS, *MAPS, *READERS}:
        raise click.UsageError(f"--station is for --layout {PHOTOGRAPHS}, this is {seen.layout}")
    if seen.layout in {CAMTRAP_DP, WILDLIFE_INSIGHTS} and cameras is not None:
        raise click.UsageError(f"--layout {seen.layout} contains its cameras; leave out --cameras")
    may_be_file = seen.layout in {CATALOGUE, *EXPORTS} or seen.path.name == DESCRIPTOR
    if not may_be_file and not seen.path.is_dir():
        raise click.UsageError(f"{seen.path} is a file; --layout {seen.layout} requires a directory")
    if seen.layout in {PUBLISHED_SET, PHOTOGRAPHS} and images is not None:
        raise click.UsageError(f"--layout {seen.layout} contains its images; leave out --images")


def _unpacked(package: Path | None, directory: Path) -> Path | None:
    """The directory of a package; a zip archive is unpacked into the data directory."""
    if package is None or package.suffix.lower() != ".zip":
        return package
    with err.status("unpacking"):
        unpacked = unpack(package, directory / "unpacked")
    # many archives contain one folder that contains all the rest
    visible = [path for path in unpacked.iterdir() if not path.name.startswith((".", "__"))]
    return visible[0] if len(visible) == 1 and visible[0].is_dir() else unpacked


def _absolute(path: Path | None) -> str:
    return "" if path is None else str(path.resolve())
