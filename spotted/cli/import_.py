"""`spotted import`: create a survey from files."""

from __future__ import annotations

from pathlib import Path

import click

from spotted.cli.connection import connect
from spotted.cli.sources import CAMTRAP_DP, CATALOGUE, LAYOUTS, PUBLISHED, Source, is_known, remember
from spotted.client import Spotted, SurveyInfo
from spotted.console import data_option, err, json_option, show, with_unit
from spotted.errors import AlreadyExistsError, InvalidInputError
from spotted.formats.archive import unpack
from spotted.formats.camtrapdp.package import DESCRIPTOR
from spotted.survey import Survey

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
DIRECTORY = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("import")
@click.argument("package", type=click.Path(exists=True, path_type=Path), required=False)
@click.option("--survey", "survey_id", default="", help="Id of the survey; default: the name of the package.")
@click.option(
    "--layout",
    type=click.Choice(LAYOUTS),
    default=CAMTRAP_DP,
    show_default=True,
    help="Layout of PACKAGE: a Camtrap DP directory, its datapackage.json or zip; folders and file names as "
    "in Spotted's published sets; or a wildlife-datasets catalogue, given as its CSV or as the directory of "
    "catalogue.csv.",
)
@click.option(
    "--species",
    default="",
    help="Species to import, if the files contain several: scientificName or species.",
)
@click.option("--cameras", type=FILE, help="CSV of cameras; with --detections it replaces PACKAGE.")
@click.option("--detections", type=FILE, help="CSV of detections; with --cameras it replaces PACKAGE.")
@click.option("--images", type=DIRECTORY, help="Folder that image paths are relative to.")
@click.option("--timezone", default="", help="IANA time zone of times without offset, e.g. Africa/Harare.")
@click.option(
    "--strict",
    is_flag=True,
    help="Refuse doubtful values, such as a time far from the camera's others, instead of leaving them out.",
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
    strict: bool,
) -> None:
    """Create a survey from files: its cameras and detections.

    PACKAGE can be replaced by two CSV files: --cameras with camera_id and x_m, y_m (or latitude, longitude),
    and --detections with camera_id, timestamp and image. Published sets and catalogues contain no camera
    positions: give them with --cameras, or in a cameras.csv beside the photographs. The files are never
    changed. Importing again adds new cameras; `spotted embed` adds the detections.
    """
    _check_usage(package, layout, cameras=cameras, detections=detections, images=images)
    with err.status("unpacking"):
        package = _unpacked(package, directory)
    source = Source(
        package=_absolute(package),
        cameras=_absolute(cameras),
        detections=_absolute(detections),
        images_root=_absolute(images),
        species=species,
        timezone=timezone,
        layout=layout,
        strict=strict,
    )
    with err.status("reading files"):
        imported = source.read(survey_id)
    notes = list(imported.notes)
    if not imported.pictures:
        raise InvalidInputError("\n  ".join(["the files contain no detection to import:", *notes]))
    with connect(directory) as spotted:
        # files may have grown since their last import; other files must not change the survey
        reimported = is_known(directory, imported.survey.survey_id, source)
        survey = _create(spotted, imported.survey, notes, may_change=reimported)
    remember(directory, survey.survey_id, source)
    document: dict[str, object] = {
        "survey_id": survey.survey_id,
        "cameras": survey.camera_count,
        "detections": len(imported.pictures),
        "notes": notes,
    }

    def text() -> None:
        for note in notes:
            err.print(f"note: {note}", markup=False, soft_wrap=True)
        click.echo(
            f"survey {survey.survey_id}: {with_unit(survey.camera_count, 'camera')}, "
            f"{with_unit(len(imported.pictures), 'detection')} to embed\n"
            f"next: spotted embed {survey.survey_id}"
        )

    show(document, as_json=as_json, text=text)


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
    elif layout == CAMTRAP_DP and (package.suffix.lower() == ".zip" or package.name == DESCRIPTOR):
        return
    elif layout != CATALOGUE and not package.is_dir():
        raise click.UsageError(f"{package} is a file; --layout {layout} requires a directory")
    elif layout == PUBLISHED and images is not None:
        raise click.UsageError("--layout spotted-published contains its images; leave out --images")


def _create(spotted: Spotted, survey: Survey, notes: list[str], *, may_change: bool) -> SurveyInfo:
    """The survey as stored; if it exists with another extent and may change, its extent is updated."""
    try:
        return spotted.create_survey(survey).info()
    except AlreadyExistsError:
        if not may_change:
            raise
    notes.append("the survey already existed; its extent was updated, which changes its scores")
    return spotted.survey(survey.survey_id).update_extent(survey)


def _unpacked(package: Path | None, directory: Path) -> Path | None:
    """The directory of a package; a zip archive is unpacked into the data directory."""
    if package is None or package.suffix.lower() != ".zip":
        return package
    return unpack(package, directory / "unpacked")


def _absolute(path: Path | None) -> str:
    return "" if path is None else str(path.resolve())
