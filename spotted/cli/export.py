"""`spotted export`: write the individuals into a copy of the imported files."""

from __future__ import annotations

from pathlib import Path

import click

from spotted.cli.connection import connect
from spotted.cli.sources import recall
from spotted.console import data_option, err, json_option, session_option, show, with_unit
from spotted.errors import PreconditionError
from spotted.formats.capture_history import build_capture_history, write_capture_history

CAPTURES = "captures"


@click.command()
@click.argument("survey")
@session_option
@click.option(
    "--output",
    "-o",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory to write to.",
)
@click.option("--overwrite", is_flag=True, help="Write even if the directory is not empty.")
@click.option("--occasion-days", default=1, show_default=True, help="Length of a capture occasion in days.")
@click.option("--timezone", default="UTC", show_default=True, help="IANA time zone that defines days.")
@click.option(
    "--day-starts-at",
    default=0.0,
    show_default=True,
    help="Hour at which a day starts, e.g. 12 for nocturnal animals.",
)
@data_option
@json_option
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
    """Write the individuals into a copy of the imported files, with the capture history.

    Only the cells of individualID differ from the source files. A detection that no answer linked to another
    counts as its own individual.
    """
    source = recall(directory, survey)
    with err.status("writing files"):
        with connect(directory) as spotted:
            individuals = {
                detection_id: one.individual_id
                for one in spotted.survey(survey).session(session_id).individuals()
                for detection_id in one.detection_ids
            }
        if not individuals:
            raise PreconditionError(
                f"session {session_id!r} of {survey!r} has no individuals yet; run "
                f"`spotted annotate {survey}` first"
            )
        notes = source.write(output, individuals, overwrite=overwrite)
        imported = source.read(survey)
        history = build_capture_history(
            imported.survey,
            imported.detections,
            individuals,
            stations=imported.stations,
            occasion_days=occasion_days,
            timezone=timezone,
            day_starts_at_h=day_starts_at,
        )
        write_capture_history(history, output / CAPTURES, overwrite=overwrite)
    for note in (*notes, *history.notes):
        err.print(f"note: {note}", markup=False, soft_wrap=True)
    document: dict[str, object] = {
        "output": str(output),
        "detections": len(individuals),
        "individuals": len(set(individuals.values())),
    }
    words = (
        f"{with_unit(len(individuals), 'detection')} of "
        f"{with_unit(len(set(individuals.values())), 'individual')} written to {output}; capture history in "
        f"{output / CAPTURES}"
    )
    show(document, as_json=as_json, text=lambda: click.echo(words))
