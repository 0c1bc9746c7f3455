"""`spotted catalogue add | identify`: animals of a survey into the catalogue."""

from __future__ import annotations

from pathlib import Path

import click

from spotted.cli.catalogue.group import catalogue, find
from spotted.cli.catalogue.text import added_document, describe, document, print_added
from spotted.cli.connection import connect
from spotted.cli.individuals.group import annotator_option
from spotted.cli.individuals.group import find as find_individual
from spotted.client.values import CatalogueAddition, Individual
from spotted.console import OTHER_FAILURE, data_option, json_option, session_option, show


@catalogue.command("add")
@click.argument("survey")
@click.argument("detections", nargs=-1)
@click.option("--session", "session_id", help="Add the named individuals of this annotation session.")
@click.option("--known-names", is_flag=True, help="Add the animals that the imported files name.")
@click.option("--names-identify", is_flag=True, help="Equal names in several surveys are one animal.")
@click.option("--animal", help="The animal that DETECTIONS show; without it they are a new one.")
@click.option("--name", default="", help="Name of the animal that DETECTIONS show, if it has none.")
@annotator_option
@data_option
@json_option
@click.pass_context
def add(
    ctx: click.Context,
    *,
    survey: str,
    detections: tuple[str, ...],
    session_id: str | None,
    known_names: bool,
    names_identify: bool,
    animal: str | None,
    name: str,
    annotator: str,
    directory: Path,
    as_json: bool,
) -> None:
    """Add animals of SURVEY: those of a session, those that the files name, or the one that DETECTIONS show.

    What was added before stays the same animal and gets new photographs. Equal names are several animals
    until somebody merges them, unless --names-identify states that they are one.
    """
    if bool(detections) + bool(session_id) + known_names != 1:
        raise click.UsageError("give one of --session, --known-names and DETECTIONS")
    if (animal or name) and not detections:
        raise click.UsageError("--animal and --name need DETECTIONS")
    with connect(directory) as spotted:
        handle = spotted.catalogue()
        if session_id:
            added = handle.add_session(survey, session_id, annotator, names_identify=names_identify)
        elif known_names:
            added = handle.add_known_names(survey, annotator, names_identify=names_identify)
        else:
            entry_id = find(handle, animal).entry_id if animal else ""
            one = CatalogueAddition(Individual("", detections, name), entry_id)
            added = handle.add(survey, [one], annotator, names_identify=names_identify)
    show(added_document(added), as_json=as_json, text=lambda: print_added(added))
    if any(one.reason for one in added.animals):
        ctx.exit(OTHER_FAILURE)


@catalogue.command("identify")
@click.argument("survey")
@click.argument("individual")
@click.argument("animal")
@annotator_option
@session_option
@data_option
@json_option
def identify(
    *,
    survey: str,
    individual: str,
    animal: str,
    annotator: str,
    session_id: str,
    directory: Path,
    as_json: bool,
) -> None:
    """State that INDIVIDUAL of a session of SURVEY is ANIMAL of the catalogue.

    Its photographs become those of the animal, and it gets the animal's name.
    """
    with connect(directory) as spotted:
        handle = spotted.catalogue()
        entry = find(handle, animal)
        found = find_individual(spotted.survey(survey).session(session_id), individual)
        ids = found.individual_id, entry.entry_id
        named = handle.name_individual(survey, session_id, *ids, annotator)
    show(document(named), as_json=as_json, text=lambda: click.echo(describe(named)))
