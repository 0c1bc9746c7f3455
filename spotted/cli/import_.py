"""`spotted import`: files to a survey."""

from __future__ import annotations

from pathlib import Path

import click

from spotted.cli.connection import connected
from spotted.cli.sources import CAMTRAP_DP, CATALOGUE, LAYOUTS, PUBLISHED, Source, is_known, remember
from spotted.client import Spotted
from spotted.console import data_option, err, json_option, show
from spotted.errors import AlreadyExistsError
from spotted.survey import Survey
from spotted.v1 import survey_pb2

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
DIRECTORY = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("import")
@click.argument("package", type=click.Path(exists=True, path_type=Path), required=False)
@data_option
@json_option
@click.option("--survey", "survey_id", default="", help="Id of the new survey; default: the package's name.")
@click.option(
    "--layout",
    type=click.Choice(LAYOUTS),
    default=CAMTRAP_DP,
    show_default=True,
    help="What PACKAGE is: a Camtrap DP directory; a published set of Spotted, or folders and file names "
    "like one; a catalogue as wildlife-datasets writes it, its CSV or the directory of catalogue.csv.",
)
@click.option("--species", default="", help="scientificName, where the package holds several species.")
@click.option("--cameras", type=FILE, help="CSV of cameras; with --detections in place of a package.")
@click.option("--detections", type=FILE, help="CSV of detections, in place of a package.")
@click.option("--images", type=DIRECTORY, help="Folder that image paths count from.")
@click.option("--timezone", default="", help="IANA zone of times without offset, such as Africa/Harare.")
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
) -> None:
    """Read the cameras and detections of a package, and create a survey of them.

    Or of two CSV files: --cameras with camera_id and x_m, y_m (or latitude, longitude), and --detections
    with camera_id, timestamp and image. Published sets and catalogues hold no places: --cameras gives them,
    or a cameras.csv beside the photographs. Nothing is written to the files. Importing again adds cameras
    that are new; `spotted embed` then brings the detections.
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
    with err.status("reading"):
        imported = source.read(survey_id)
    notes = list(imported.notes)
    with connected(directory) as spotted:
        # files that have grown may change their survey, other files may not
        grown = is_known(directory, imported.survey.survey_id, source)
        survey = _created(spotted, imported.survey, notes, may_change=grown)
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
            f"survey {survey.survey_id}: {survey.camera_count} cameras, {len(imported.pictures)} detections "
            f"to embed\nnext: spotted embed {survey.survey_id}"
        )

    show(document, as_json=as_json, text=text)


def _check_usage(
    package: Path | None, layout: str, *, cameras: Path | None, detections: Path | None, images: Path | None
) -> None:
    if (package is None) == (detections is None):
        raise click.UsageError("give a package, or both --cameras and --detections")
    if package is None:
        if cameras is None:
            raise click.UsageError("--detections needs --cameras")
        if layout != CAMTRAP_DP:
            raise click.UsageError(f"--layout {layout} reads a package, not --detections")
    elif layout == CAMTRAP_DP and cameras is not None:
        raise click.UsageError("a Camtrap DP directory has cameras of its own; leave out --cameras")
    elif layout != CATALOGUE and not package.is_dir():
        raise click.UsageError(f"{package} is a file; --layout {layout} reads a directory")
    elif layout == PUBLISHED and images is not None:
        raise click.UsageError(
            "--layout spotted-published reads the images of its directory; leave out --images"
        )


def _created(spotted: Spotted, survey: Survey, notes: list[str], *, may_change: bool) -> survey_pb2.Survey:
    """The survey as stored; one that is there with another extent gets this one where it may change."""
    try:
        return spotted.create_survey(survey)
    except AlreadyExistsError:
        if not may_change:
            raise
    notes.append("the survey was there with another extent; it has this one now, and its scores changed")
    return spotted.update_extent(survey)


def _absolute(path: Path | None) -> str:
    return "" if path is None else str(path.resolve())
