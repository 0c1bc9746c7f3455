"""The group of commands about individuals, how they find one, and how they carry out a change."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path

import click

from spotted.cli.connection import connect
from spotted.cli.individuals.text import change_document, print_change
from spotted.client import SessionHandle
from spotted.client.individuals import IndividualHandle
from spotted.client.values import Individual, IndividualsChange
from spotted.console import CommandT, show
from spotted.errors import InvalidInputError, NotFoundError
from spotted.individuals.naming import read_individual_id


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


def open_handle(session: SessionHandle, wanted: str) -> IndividualHandle:
    """A handle for an individual by its id, an alias or its name. Raises as `find`."""
    return session.individual(find(session, wanted).individual_id)


def carry_out(
    survey: str,
    session_id: str,
    directory: Path,
    change: Callable[[SessionHandle], IndividualsChange],
    *,
    as_json: bool,
    undone: bool = False,
) -> None:
    """Carry out a change of a session's individuals and show its result. undone: it undoes another one."""
    with connect(directory) as spotted:
        done = change(spotted.survey(survey).session(session_id))
    show(change_document(done), as_json=as_json, text=lambda: print_change(done, survey, undone=undone))
