"""`spotted individuals list | show`: the individuals of a session."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from spotted.cli.connection import connect
from spotted.cli.individuals.group import find, individuals
from spotted.cli.individuals.text import describe, document
from spotted.console import data_option, json_option, option_word, session_option, show, table, with_unit

COLUMNS = ("individual", "name", "detections", "sex", "status", "includes")


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
            one.individual_id,
            one.display_name or one.catalogue_name,
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
