"""`spotted embed`: turn photographs into stored vectors."""

from __future__ import annotations

from pathlib import Path

import click

from spotted.cli.connection import connect
from spotted.client import Decoding, Preparation, Tone
from spotted.client.ingest import Intake, embed_pictures
from spotted.client.local_features.extraction import LocalExtraction
from spotted.console import (
    EnumChoice,
    data_option,
    err,
    json_option,
    next_step,
    option_word,
    progress,
    show,
    with_unit,
)
from spotted.errors import InvalidInputError
from spotted.formats.sources import recall

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FAILURES_SHOWN = 10


@click.command()
@click.argument("survey")
@click.option(
    "--model", "model_id", default="", help="Backbone id; default: the embedder's default backbone."
)
@click.option(
    "--tone",
    type=EnumChoice(Tone),
    default=option_word(Tone.AS_TAKEN),
    show_default=True,
    help="Tone correction of the photographs.",
)
@click.option(
    "--reference", type=FILE, help="Photograph whose tones the others are matched to, for --tone matched."
)
@click.option(
    "--decoding",
    type=EnumChoice(Decoding),
    default=option_word(Decoding.EXACT),
    show_default=True,
    help="fast: decode large JPEG files at a part of their size, for other vectors in less time.",
)
@click.option("--segment", is_flag=True, help="Blank the background with the embedder's segmenter.")
@click.option(
    "--local",
    "local_method",
    default="",
    metavar="METHOD",
    help="Also extract local features, to match marks of the coat, e.g. hotspotter.",
)
@click.option(
    "--again",
    is_flag=True,
    help="With --local: extract them for all photographs, and drop those of another method.",
)
@data_option
@json_option
def embed(
    *,
    survey: str,
    directory: Path,
    as_json: bool,
    model_id: str,
    tone: Tone,
    reference: Path | None,
    decoding: Decoding,
    segment: bool,
    local_method: str,
    again: bool,
) -> None:
    """Turn the photographs of an imported survey into stored vectors.

    You can stop it at any time; the next run continues from there. Photographs that cannot be used are
    listed with the reason, the others are stored.
    """
    if (tone is Tone.MATCHED) != (reference is not None):
        raise click.UsageError("--tone matched and --reference FILE must be given together")
    if decoding is Decoding.FAST and (tone is not Tone.AS_TAKEN or segment or local_method):
        raise click.UsageError("--decoding fast goes without --tone, --segment and --local")
    if again and not local_method:
        raise click.UsageError("--again is for local features; give --local METHOD, too")
    with err.status("reading files"):
        pictures = recall(directory, survey).read(survey).pictures
    with connect(directory) as spotted, progress("photographs", len(pictures)) as advance:
        preparation = Preparation(
            tone,
            spotted.add_reference(reference.read_bytes()) if reference else "",
            segment,
            decoding=decoding,
        )
        intake = embed_pictures(
            spotted,
            spotted.survey(survey),
            pictures,
            model_id=model_id,
            preparation=preparation,
            local=LocalExtraction(local_method, again) if local_method else None,
            on_progress=advance,
        )
    document: dict[str, object] = {
        "survey_id": survey,
        "added": intake.added,
        "unchanged": intake.unchanged,
        "updated": intake.updated,
        "local_features": intake.local,
        "failed": [{"detection_id": i, "message": message} for i, message in intake.failed],
    }

    show(document, as_json=as_json, text=lambda: _print(survey, intake))
    if intake.failed and not (intake.added or intake.updated or intake.unchanged):
        raise InvalidInputError(
            f"none of the {len(intake.failed)} photographs of {survey!r} could be used; see the reasons above"
        )


def _print(survey: str, intake: Intake) -> None:
    for detection_id, message in intake.failed[:FAILURES_SHOWN]:
        err.print(f"not stored: {detection_id}: {message}", markup=False, soft_wrap=True)
    if len(intake.failed) > FAILURES_SHOWN:
        err.print(f"... and {len(intake.failed) - FAILURES_SHOWN} more; --json lists them all")
    again = f", {intake.updated} embedded again" if intake.updated else ""
    local = f", local features of {intake.local} stored" if intake.local else ""
    click.echo(
        f"{with_unit(intake.added, 'detection')} stored{again}, {intake.unchanged} already stored, "
        f"{len(intake.failed)} failed{local}"
    )
    if intake.added or intake.updated or intake.unchanged:
        next_step(f"spotted match {survey}, or spotted review {survey}")
