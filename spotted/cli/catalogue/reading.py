"""`spotted catalogue list | show`: the animals of all surveys."""

from __future__ import annotations

from pathlib import Path

import click

from spotted.cli.catalogue.group import catalogue, find
from spotted.cli.catalogue.text import change_document, change_text, describe, document
from spotted.cli.connection import connect
from spotted.console import data_option, json_option, option_word, show, table, with_unit

COLUMNS = ("animal", "name", "photographs", "surveys", "sex", "status", "includes")


@catalogue.command("list")
@click.option("--survey", "survey_id", default="", help="Only animals of this survey.")
@click.option("--name", default="", help="Only animals of this name.")
@data_option
@json_option
def list_entries(*, survey_id: str, name: str, directory: Path, as_json: bool) -> None:
    """List the animals by name."""
    with connect(directory) as spotted:
        found = list(spotted.catalogue().entries(survey_id=survey_id, display_name=name))
    rows = [
        (
            one.entry_id,
            one.display_name,
            len(one.members),
            ", ".join(one.survey_ids),
            option_word(one.sex) if one.sex else "",
            option_word(one.status) if one.status else "",
            ", ".join(alias.display_name or alias.individual_id for alias in one.aliases),
        )
        for one in found
    ]
    show(
        {"animals": [document(one) for one in found]},
        as_json=as_json,
        text=lambda: table(with_unit(len(found), "animal"), COLUMNS, rows),
    )


@catalogue.command("show")
@click.argument("animal")
@data_option
@json_option
def show_entry(*, animal: str, directory: Path, as_json: bool) -> None:
    """Show an animal with its photographs, and who changed what about it."""
    with connect(directory) as spotted:
        handle = spotted.catalogue()
        one = find(handle, animal)
        changes = list(handle.changes(one.entry_id))

    def text() -> None:
        click.echo(describe(one))
        for change in changes:
            click.echo(change_text(change))

    listed = [change_document(change) for change in changes]
    show(document(one) | {"changes": listed}, as_json=as_json, text=text)
