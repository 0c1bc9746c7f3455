"""`spotted catalogue name | merge | split | remove | undo`: changes of the animals of all surveys."""

from __future__ import annotations

from pathlib import Path

import click

from spotted.cli.catalogue.group import carry_out, catalogue, find, read_members
from spotted.cli.individuals.group import annotator_option
from spotted.client.catalogue import CatalogueHandle
from spotted.client.values import CatalogueResult
from spotted.console import EnumChoice, data_option, json_option
from spotted.errors import NotFoundError
from spotted.individuals.attributes import Sex, Status


@catalogue.command("name")
@click.argument("animal")
@click.argument("name", required=False)
@click.option("--sex", type=EnumChoice(Sex), help="Its sex.")
@click.option("--status", type=EnumChoice(Status), help="Whether it can still be met.")
@click.option("--notes", help="Free text.")
@click.option("--tag", "tags", multiple=True, help="A free word; give the option several times for several.")
@annotator_option
@data_option
@json_option
def name_entry(
    *,
    animal: str,
    name: str | None,
    sex: Sex | None,
    status: Status | None,
    notes: str | None,
    tags: tuple[str, ...],
    annotator: str,
    directory: Path,
    as_json: bool,
) -> None:
    """Give an animal a name, or set its sex, status, notes or tags.

    An empty NAME ("") removes the name.
    """
    given = {"display_name": name, "sex": sex, "status": status, "notes": notes, "tags": tags or None}
    if all(value is None for value in given.values()):
        raise click.UsageError("give a NAME or an option to set")

    def change(handle: CatalogueHandle) -> CatalogueResult:
        return handle.update(find(handle, animal).entry_id, annotator, **given)  # type: ignore[arg-type] # by name

    carry_out(directory, change, as_json=as_json)


@catalogue.command("merge")
@click.argument("animal")
@click.argument("others", nargs=-1, required=True)
@annotator_option
@data_option
@json_option
def merge(*, animal: str, others: tuple[str, ...], annotator: str, directory: Path, as_json: bool) -> None:
    """State that OTHERS are ANIMAL, which keeps its id and name."""

    def change(handle: CatalogueHandle) -> CatalogueResult:
        ids = [find(handle, other).entry_id for other in others]
        return handle.merge(find(handle, animal).entry_id, ids, annotator)

    carry_out(directory, change, as_json=as_json)


@catalogue.command("split")
@click.argument("animal")
@click.argument("photographs", nargs=-1, required=True)
@click.option("--to", "other", help="The animal that PHOTOGRAPHS show; without it they are a new one.")
@annotator_option
@data_option
@json_option
def split(
    *,
    animal: str,
    photographs: tuple[str, ...],
    other: str | None,
    annotator: str,
    directory: Path,
    as_json: bool,
) -> None:
    """State that PHOTOGRAPHS (each SURVEY/DETECTION) of ANIMAL show another one."""
    members = read_members(photographs)

    def change(handle: CatalogueHandle) -> CatalogueResult:
        to = find(handle, other).entry_id if other else ""
        return handle.split(find(handle, animal).entry_id, members, annotator, to_entry_id=to)

    carry_out(directory, change, as_json=as_json)


@catalogue.command("remove")
@click.argument("photographs", nargs=-1, required=True)
@annotator_option
@data_option
@json_option
def remove(*, photographs: tuple[str, ...], annotator: str, directory: Path, as_json: bool) -> None:
    """Take PHOTOGRAPHS (each SURVEY/DETECTION) out of the catalogue; they stay in their surveys."""
    members = read_members(photographs)
    carry_out(directory, lambda handle: handle.remove(members, annotator), as_json=as_json)


@catalogue.command("undo")
@click.argument("change_id", metavar="[CHANGE]", required=False)
@annotator_option
@data_option
@json_option
def undo(*, change_id: str | None, annotator: str, directory: Path, as_json: bool) -> None:
    """Undo a change by its id, without one the last change that stands."""
    carry_out(
        directory,
        lambda handle: handle.undo(change_id or _last_change(handle), annotator),
        as_json=as_json,
        undone=True,
    )


def _last_change(handle: CatalogueHandle) -> str:
    """The last change that was not undone. Raises NotFoundError."""
    standing: list[str] = []
    for change in handle.changes():
        if change.undone_change_id in standing:
            standing.remove(change.undone_change_id)
        elif not change.undone_change_id:
            standing.append(change.change_id)
    if not standing:
        raise NotFoundError("no change of the catalogue is left to undo")
    return standing[-1]
