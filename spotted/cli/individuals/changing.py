"""`spotted individuals name | merge | split | move | undo`: changes of individuals."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import click

from spotted.cli.individuals.group import annotator_option, carry_out, find, individuals, open_handle
from spotted.client import SessionHandle
from spotted.client.values import IndividualsChange
from spotted.console import EnumChoice, data_option, json_option, session_option
from spotted.errors import NotFoundError
from spotted.formats.timestamps import InstantError, utc_seconds
from spotted.individuals.attributes import Sex, Status


@individuals.command("name")
@click.argument("survey")
@click.argument("individual")
@click.argument("name", required=False)
@click.option("--sex", type=EnumChoice(Sex), help="Its sex.")
@click.option("--status", type=EnumChoice(Status), help="Whether it can still be met.")
@click.option(
    "--dead-since", metavar="TIME", help="When it died, with an offset or in UTC; with --status dead."
)
@click.option("--notes", help="Free text.")
@click.option("--tag", "tags", multiple=True, help="A free word; give the option several times for several.")
@annotator_option
@session_option
@data_option
@json_option
def name_individual(
    *,
    survey: str,
    individual: str,
    name: str | None,
    sex: Sex | None,
    status: Status | None,
    dead_since: str | None,
    notes: str | None,
    tags: tuple[str, ...],
    annotator: str,
    session_id: str,
    directory: Path,
    as_json: bool,
) -> None:
    """Give an individual a name, or set its sex, status, notes or tags.

    An empty NAME ("") removes the name.
    """
    if dead_since is not None and status is not Status.DEAD:
        raise click.UsageError("--dead-since needs --status dead")
    given = {
        "display_name": name,
        "sex": sex,
        "status": status,
        "dead_since_s": None if dead_since is None else _instant(dead_since),
        "notes": notes,
        "tags": tags or None,
    }
    if all(value is None for value in given.values()):
        raise click.UsageError("give a NAME or an option to set")
    carry_out(
        survey,
        session_id,
        directory,
        lambda session: open_handle(session, individual).update(annotator, **given),  # type: ignore[arg-type] # by their names
        as_json=as_json,
    )


@individuals.command("merge")
@click.argument("survey")
@click.argument("individual")
@click.argument("others", nargs=-1, required=True)
@annotator_option
@session_option
@data_option
@json_option
def merge(
    *,
    survey: str,
    individual: str,
    others: tuple[str, ...],
    annotator: str,
    session_id: str,
    directory: Path,
    as_json: bool,
) -> None:
    """Make OTHERS part of INDIVIDUAL, which keeps its id and name unless only OTHERS are named."""

    def change(session: SessionHandle) -> IndividualsChange:
        ids = [find(session, other).individual_id for other in others]
        return open_handle(session, individual).merge(ids, annotator)

    carry_out(survey, session_id, directory, change, as_json=as_json)


@individuals.command("split")
@click.argument("survey")
@click.argument("individual")
@click.argument("detections", nargs=-1, required=True)
@annotator_option
@session_option
@data_option
@json_option
def split(
    *,
    survey: str,
    individual: str,
    detections: tuple[str, ...],
    annotator: str,
    session_id: str,
    directory: Path,
    as_json: bool,
) -> None:
    """Make DETECTIONS of INDIVIDUAL another individual; the others keep its id and name."""
    carry_out(
        survey,
        session_id,
        directory,
        lambda session: open_handle(session, individual).split(detections, annotator),
        as_json=as_json,
    )


@individuals.command("move")
@click.argument("survey")
@click.argument("individual")
@click.argument("detections", nargs=-1, required=True)
@annotator_option
@session_option
@data_option
@json_option
def move(
    *,
    survey: str,
    individual: str,
    detections: tuple[str, ...],
    annotator: str,
    session_id: str,
    directory: Path,
    as_json: bool,
) -> None:
    """Move DETECTIONS from the individuals that have them to INDIVIDUAL."""
    carry_out(
        survey,
        session_id,
        directory,
        lambda session: open_handle(session, individual).move_here(detections, annotator),
        as_json=as_json,
    )


@individuals.command("undo")
@click.argument("survey")
@click.argument("change", type=click.IntRange(min=1), required=False)
@annotator_option
@session_option
@data_option
@json_option
def undo(
    *,
    survey: str,
    change: int | None,
    annotator: str,
    session_id: str,
    directory: Path,
    as_json: bool,
) -> None:
    """Undo a change by its number, without one the last change that stands.

    Answers that the change set aside count again.
    """
    carry_out(
        survey,
        session_id,
        directory,
        lambda session: session.undo_change(change or _last_change(session), annotator),
        as_json=as_json,
        undone=True,
    )


def _last_change(session: SessionHandle) -> int:
    """Position of the last change that was not undone. Raises NotFoundError."""
    standing: list[int] = []
    for event in session.events():
        if event.change and event.change.undone_position:
            standing.remove(event.change.undone_position)
        elif event.change:
            standing.append(event.position)
    if not standing:
        raise NotFoundError(
            "no change of individuals is left to undo; `spotted annotate --undo` undoes answers"
        )
    return standing[-1]


def _instant(text: str) -> float:
    try:
        return utc_seconds(text, UTC)
    except InstantError as error:
        raise click.BadParameter(f"{text!r} {error}", param_hint="--dead-since") from error
