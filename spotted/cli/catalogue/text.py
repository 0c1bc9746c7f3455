"""Entries of the catalogue and changes of them as text, and as JSON documents."""

from __future__ import annotations

from dataclasses import asdict

import click

from spotted.catalogue.facts import Member
from spotted.cli.individuals.text import attribute_lines
from spotted.client.values import AddedAnimals, CatalogueChange, CatalogueEntry, CatalogueResult
from spotted.console import option_word, with_unit

REFUSALS_SHOWN = 10


def document(entry: CatalogueEntry) -> dict[str, object]:
    """An entry as a JSON document."""
    return asdict(entry) | {"sex": option_word(entry.sex), "status": option_word(entry.status)}


def describe(entry: CatalogueEntry) -> str:
    """An entry as text, one fact a line."""
    facts = attribute_lines(entry, entry.entry_id)
    for survey_id in entry.survey_ids:
        ids = [member.detection_id for member in entry.members if member.survey_id == survey_id]
        facts.append(f"  {survey_id}: {with_unit(len(ids), 'photograph')}: {', '.join(ids)}")
    return "\n".join(facts)


def change_document(change: CatalogueChange) -> dict[str, object]:
    """A change as a JSON document."""
    return {
        "change_id": change.change_id,
        "create_time_s": change.create_time_s,
        "annotator_id": change.annotator_id,
        "kind": option_word(change.kind),
        "source": option_word(change.source) if change.source else "",
        "survey_id": change.survey_id,
        "session_id": change.session_id,
        "undone_change_id": change.undone_change_id,
        "members": {photograph(member): entry_id for member, entry_id in change.members.items()},
        "entry_ids": list(change.entry_ids),
    }


def change_text(change: CatalogueChange) -> str:
    """A change in one line."""
    who = f"by {change.annotator_id}" if change.annotator_id else "since photographs were deleted"
    count = f", {with_unit(len(change.members), 'photograph')}" if change.members else ""
    return f"change {change.change_id}: {option_word(change.kind)} {who}{count}"


def photograph(member: Member) -> str:
    """A member as people write it."""
    return f"{member.survey_id}/{member.detection_id}"


def result_document(result: CatalogueResult) -> dict[str, object]:
    """The result of a change as a JSON document."""
    return {"change": result.change_id, "animals": [document(entry) for entry in result.entries]}


def print_result(result: CatalogueResult, *, undone: bool) -> None:
    """Print the animals after a change, and how it is undone."""
    for entry in result.entries:
        name = f"{entry.display_name} ({entry.entry_id})" if entry.display_name else entry.entry_id
        click.echo(f"{name}: {with_unit(len(entry.members), 'photograph')}")
    if not undone:
        click.echo(f"to undo: spotted catalogue undo {result.change_id}")


def added_document(added: AddedAnimals) -> dict[str, object]:
    """The result of adding animals as a JSON document."""
    return {"animals": [asdict(one) for one in added.animals], "changes": list(added.change_ids)}


def print_added(added: AddedAnimals) -> None:
    """Print how many animals were added, what was refused, and which names stand for several animals."""
    done = [one for one in added.animals if not one.reason]
    new = sum(one.created for one in done)
    count = sum(one.added for one in done)
    click.echo(
        f"{with_unit(len(done), 'animal')}: {new} new, {len(done) - new} known before; "
        f"{with_unit(count, 'photograph')} added"
    )
    namesakes = [one for one in done if one.same_name and one.created]
    for one in namesakes[:REFUSALS_SHOWN]:
        click.echo(
            f"{one.name} ({one.entry_id}) has the name of {', '.join(one.same_name)}: "
            f"if they are one animal, spotted catalogue merge {one.same_name[0]} {one.entry_id}"
        )
    refused = [one for one in added.animals if one.reason]
    for one in refused[:REFUSALS_SHOWN]:
        click.echo(f"not added: {one.name}: {one.message}", err=True)
    more = max(len(namesakes) - REFUSALS_SHOWN, 0) + max(len(refused) - REFUSALS_SHOWN, 0)
    if more:
        click.echo(f"and {more} more; --json shows all")
    for change_id in added.change_ids:
        click.echo(f"to undo: spotted catalogue undo {change_id}")
