"""`spotted import | embed | match`: files to a survey, photographs to vectors, vectors to candidates."""

from __future__ import annotations

from pathlib import Path

import click

from spotted.cli.connecting import connected
from spotted.cli.console import data_option, err, json_option, progress, show, table
from spotted.cli.sources import CAMTRAP_DP, CATALOGUE, LAYOUTS, PUBLISHED, Source, is_known, recall, remember
from spotted.client import Spotted
from spotted.csvcandidates import COLUMNS, CandidateRow, candidate_row, write_candidates
from spotted.errors import AlreadyExistsError, InvalidInputError
from spotted.intake import embed_pictures
from spotted.survey import Survey
from spotted.v1 import embedder_pb2, scorer_pb2, survey_pb2

FAILURES_SHOWN = 10
LISTS_SHOWN = 3
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
DIRECTORY = click.Path(exists=True, file_okay=False, path_type=Path)
FUSIONS = {
    "product": survey_pb2.FUSION_PRODUCT,
    "visual": survey_pb2.FUSION_VISUAL,
    "location": survey_pb2.FUSION_LOCATION,
    "calibrated": survey_pb2.FUSION_CALIBRATED,
}
TONES = {
    "as-taken": embedder_pb2.TONE_AS_TAKEN,
    "equalised": embedder_pb2.TONE_EQUALISED,
    "matched": embedder_pb2.TONE_MATCHED,
}


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


@click.command()
@click.argument("survey")
@data_option
@json_option
@click.option("--model", "model_id", default="", help="Backbone; default: the embedder's.")
@click.option("--tone", type=click.Choice(list(TONES)), default="as-taken", show_default=True)
@click.option("--reference", type=FILE, help="Photograph whose tones the others take, for --tone matched.")
@click.option("--segment", is_flag=True, help="Blank what is not the animal, by the embedder's segmenter.")
def embed(
    *,
    survey: str,
    directory: Path,
    as_json: bool,
    model_id: str,
    tone: str,
    reference: Path | None,
    segment: bool,
) -> None:
    """Turn the photographs of an imported survey into vectors and store them.

    May be stopped and run again at any time: it goes on where it was. Photographs that cannot be used are
    listed with the reason, and the others are stored all the same.
    """
    if (tone == "matched") != (reference is not None):
        raise click.UsageError("--tone matched and --reference FILE need each other")
    with err.status("reading"):
        pictures = recall(directory, survey).read(survey).pictures
    with connected(directory) as spotted, progress("photographs", len(pictures)) as advance:
        preparation = embedder_pb2.Preparation(
            tone=TONES[tone],
            reference_digest=spotted.add_reference(reference.read_bytes()) if reference else "",
            segmented=segment,
        )
        intake = embed_pictures(
            spotted, survey, pictures, model_id=model_id, preparation=preparation, told=advance
        )
    document: dict[str, object] = {
        "survey_id": survey,
        "added": intake.added,
        "unchanged": intake.unchanged,
        "failed": [{"detection_id": i, "message": message} for i, message in intake.failed],
    }

    def text() -> None:
        for detection_id, message in intake.failed[:FAILURES_SHOWN]:
            err.print(f"not stored: {detection_id}: {message}", markup=False, soft_wrap=True)
        if len(intake.failed) > FAILURES_SHOWN:
            err.print(f"and {len(intake.failed) - FAILURES_SHOWN} more; --json lists all")
        click.echo(
            f"{intake.added} detections stored, {intake.unchanged} were there, {len(intake.failed)} failed\n"
            f"next: spotted match {survey}, or spotted annotate {survey}"
        )

    show(document, as_json=as_json, text=text)
    if intake.failed and not intake.added and not intake.unchanged:
        raise InvalidInputError(f"none of the {len(intake.failed)} photographs of {survey!r} could be used")


@click.command()
@click.argument("survey")
@data_option
@json_option
@click.option("--top", default=5, show_default=True, type=click.IntRange(min=1), help="Candidates of each.")
@click.option("--detection", "detection_ids", multiple=True, help="Only this detection; may be repeated.")
@click.option("--fusion", type=click.Choice(list(FUSIONS)), default="product", show_default=True)
@click.option("--individuals", is_flag=True, help="Each known individual once, by its best photograph.")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write all to a CSV.")
def match(
    *,
    survey: str,
    directory: Path,
    as_json: bool,
    top: int,
    detection_ids: tuple[str, ...],
    fusion: str,
    individuals: bool,
    output: Path | None,
) -> None:
    """List, for every detection, those most likely to show the same animal.

    Each candidate comes with its visual similarity, the feasibility of the journey (empty where unknown),
    the fused score by which it is ranked, and the journey in words.
    """
    with connected(directory) as spotted:
        if fallback := spotted.score_spec(survey, FUSIONS[fusion]).fallback:
            err.print(f"note: {fallback}", markup=False, soft_wrap=True)
        total = len(detection_ids) or spotted.survey(survey).detection_count
        lists = []
        with progress("detections", total) as advance:
            for one in spotted.candidates(
                survey,
                detection_ids=detection_ids,
                top_k=top,
                fusion=FUSIONS[fusion],
                group_by_individual=individuals,
            ):
                lists.append(one)
                advance(1)
    rows = [row for one in lists for row in _rows(one)]
    if output is not None:
        with output.open("w", newline="") as file:
            write_candidates(file, rows)
    document: dict[str, object] = {
        "survey_id": survey,
        "candidates": [dict(zip(COLUMNS, row, strict=True)) for row in rows],
    }

    def text() -> None:
        shown = [row for one in lists[:LISTS_SHOWN] for row in _rows(one)] if not detection_ids else rows
        table(f"{survey}: best candidates", COLUMNS, shown)
        if output is not None:
            click.echo(f"{len(rows)} candidates of {len(lists)} detections written to {output}")
        elif len(shown) < len(rows):
            click.echo(f"{len(lists) - LISTS_SHOWN} more detections: -o FILE writes all of them")

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


def _rows(one: scorer_pb2.CandidateList) -> list[CandidateRow]:
    return [
        candidate_row(
            one.detection_id,
            rank,
            candidate.detection_id,
            fused=candidate.fused,
            visual=candidate.visual,
            feasibility=candidate.feasibility if candidate.HasField("feasibility") else None,
            reason=candidate.reason,
        )
        for rank, candidate in enumerate(one.candidates, start=1)
    ]
