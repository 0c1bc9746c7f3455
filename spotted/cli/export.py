"""`spotted export`: the individuals back into the files they came from."""

from __future__ import annotations

from pathlib import Path

import click

from spotted.cli.connection import connected
from spotted.cli.sources import recall
from spotted.console import data_option, err, json_option, session_option, show
from spotted.errors import PreconditionError
from spotted.formats.capture_history import build_capture_history, write_capture_history

CAPTURES = "captures"


@click.command()
@click.argument("survey")
@session_option
@data_option
@json_option
@click.option(
    "--output",
    "-o",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory to write.",
)
@click.option("--overwrite", is_flag=True, help="Write into a directory that is not empty.")
@click.option("--occasion-days", default=1, show_default=True, help="Length of a capture occasion, days.")
@click.option("--timezone", default="UTC", show_default=True, help="IANA zone whose days are counted.")
@click.option(
    "--day-starts-at", default=0.0, show_default=True, help="Hour a day begins, 12 for animals of the night."
)
def export(
    *,
    survey: str,
    session_id: str,
    directory: Path,
    as_json: bool,
    output: Path,
    overwrite: bool,
    occasion_days: int,
    timezone: str,
    day_starts_at: float,
) -> None:
    """Write the imported files again with individualID filled, and the capture history.

    All bytes but the filled cells are those of the source. A detection that no answer joined to another is
    an individual of its own.
    """
    source = recall(directory, survey)
    with err.status("writing"):
        with connected(directory) as spotted:
            individuals = {
                detection_id: one.individual_id
                for one in spotted.individuals(survey, session_id)
                for detection_id in one.detection_ids
            }
        if not individuals:
            raise PreconditionError(
                f"session {session_id!r} of {survey!r} has no individual yet; run `spotted annotate {survey}`"
            )
        source.write(output, individuals, overwrite=overwrite)
        imported = source.read(survey)
        history = build_capture_history(
            imported.survey,
            imported.detections,
            individuals,
            occasion_days=occasion_days,
            timezone=timezone,
            day_starts_at_h=day_starts_at,
        )
        write_capture_history(history, output / CAPTURES, overwrite=overwrite)
    document: dict[str, object] = {
        "output": str(output),
        "detections": len(individuals),
        "individuals": len(set(individuals.values())),
    }
    words = (
        f"{len(individuals)} detections of {len(set(individuals.values()))} individuals written to {output}, "
        f"with the capture history in {output / CAPTURES}"
    )
    show(document, as_json=as_json, text=lambda: click.echo(words))
