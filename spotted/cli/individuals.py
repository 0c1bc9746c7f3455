"""`spotted individuals list | show | name | merge | split | move | undo`: the animals of a session."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC
from pathlib import Path

import click

from spotted.cli.connection import connect
from spotted.cli.individual_text import change_document, describe, document, print_change
from spotted.client import SessionHandle
from spotted.client.individuals import IndividualHandle
from spotted.client.values import Individual, IndividualsChange
from spotted.console import (
    CommandT,
    EnumChoice,
    data_option,
    json_option,
    option_word,
    session_option,
    show,
    table,
    with_unit,
)
from spotted.errors import InvalidInputError, NotFoundError
from spotted.formats.timestamps import InstantError, utc_seconds
from spotted.individuals.attributes import Sex, Status
from spotted.individuals.naming import read_individual_id

COLUMNS = ("individual", "id", "detections", "sex", "status", "formerly")


def annotator_option(command: CommandT) -> CommandT:
    """Add --annotator: who decides."""
    return click.option(
        "--annotator", default=getpass.getuser, show_default="your login", help="Who makes the change."
    )(command)


@click.group()
def individuals() -> None:
    """List, name, merge and split the individuals of a session; every change can be undone.

    INDIVIDUAL is an id such as ind-d07, or a name.
    """


@individuals.command("list")
@click.argument("survey")
@click.option("--name", default="", help="Only individuals of this name.")
@click.option("--detection", default="", help="Only the individual of this detection.")
@session_option
@data_option
@json_option
def list_individuals(
    *, survey: str, name: str, detection: str, session_id: str, directory: Path, as_json: bool
) -> None:
    """List the individuals, the ones with the most detections first."""
    with connect(directory) as spotted:
        session = spotted.survey(survey).session(session_id)
        found = list(session.individuals(display_name=name, detection_id=detection))
    rows = [
        (
            one.display_name,
            one.individual_id,
            len(one.detection_ids),
            option_word(one.sex) if one.sex else "",
            option_word(one.status) if one.status else "",
            ", ".join(alias.display_name or alias.individual_id for alias in one.aliases),
        )
        for one in found
    ]
    show(
        {"individuals": [document(one) for one in found]},
        as_json=as_json,
        text=lambda: table(with_unit(len(found), "individual"), COLUMNS, rows),
    )


@individuals.command("show")
@click.argument("survey")
@click.argument("individual")
@session_option
@data_option
@json_option
def show_individual(*, survey: str, individual: str, session_id: str, directory: Path, as_json: bool) -> None:
    """Show an individual with its detections, and what people changed about it."""
    with connect(directory) as spotted:
        session = spotted.survey(survey).session(session_id)
        one = find(session, individual)
        ids = {one.individual_id, *(alias.individual_id for alias in one.aliases)}
        changes = [
            (event.position, event.change)
            for event in session.events()
            if event.change and ids.intersection(event.change.individual_ids)
        ]

    def text() -> None:
        click.echo(describe(one))
        for position, change in changes:
            click.echo(f"change {position}: {change.kind} by {change.annotator_id}")

    listed = [{"position": position} | asdict(change) for position, change in changes]
    show(document(one) | {"changes": listed}, as_json=as_json, text=text)


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
    _change(
        survey,
        session_id,
        directory,
        lambda session: _handle(session, individual).update(annotator, **given),  # type: ignore[arg-type] # by their names
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
        return _handle(session, individual).merge(ids, annotator)

    _change(survey, session_id, directory, change, as_json=as_json)


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
    _change(
        survey,
        session_id,
        directory,
        lambda session: _handle(session, individual).split(detections, annotator),
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
    _change(
        survey,
        session_id,
        directory,
        lambda session: _handle(session, individual).move_here(detections, annotator),
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
    _change(
        survey,
        session_id,
        directory,
        lambda session: session.undo_change(change or _last_change(session), annotator),
        as_json=as_json,
        undone=True,
    )


def find(session: SessionHandle, wanted: str) -> Individual:
    """An individual by its id, an alias or its name. Raises NotFoundError, InvalidInputError."""
    if read_individual_id(wanted) is not None:
        return session.individual(wanted).get()
    found = list(session.individuals(display_name=wanted))
    if not found:
        raise NotFoundError(f"no individual is named {wanted!r}; `spotted individuals list` shows all")
    if len(found) > 1:
        ids = ", ".join(one.individual_id for one in found)
        raise InvalidInputError(f"several individuals are named {wanted!r}; give one of their ids: {ids}")
    return found[0]


def _handle(session: SessionHandle, wanted: str) -> IndividualHandle:
    return session.individual(find(session, wanted).individual_id)


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


def _change(
    survey: str,
    session_id: str,
    directory: Path,
    change: Callable[[SessionHandle], IndividualsChange],
    *,
    as_json: bool,
    undone: bool = False,
) -> None:
    with connect(directory) as spotted:
        done = change(spotted.survey(survey).session(session_id))
    show(change_document(done), as_json=as_json, text=lambda: print_change(done, survey, undone=undone))


def _instant(text: str) -> float:
    try:
        return utc_seconds(text, UTC)
    except InstantError as error:
        raise click.BadParameter(f"{text!r} {error}", param_hint="--dead-since") from error
