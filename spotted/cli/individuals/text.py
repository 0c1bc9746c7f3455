"""Individuals and changes of them as text, and as JSON documents."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

import click

from spotted.client.values import CatalogueEntry, Individual, IndividualsChange, Label
from spotted.console import option_word, with_unit
from spotted.constraints import Answer
from spotted.facts import Source

LABELS_SHOWN = 10


def document(one: Individual) -> dict[str, object]:
    """An individual as a JSON document."""
    return asdict(one) | {"sex": option_word(one.sex), "status": option_word(one.status)}


def describe(one: Individual) -> str:
    """An individual as text, one fact a line."""
    found = f"  {with_unit(len(one.detection_ids), 'detection')}: {', '.join(one.detection_ids)}"
    return "\n".join([*attribute_lines(one, one.individual_id), found])


def attribute_lines(one: Individual | CatalogueEntry, animal_id: str) -> list[str]:
    """The name of an animal, what is known of it, and the animals that became part of it; one fact a line."""
    facts = [f"{one.name} ({animal_id})" if one.name != animal_id else animal_id]
    if one.sex:
        facts.append(f"  sex: {option_word(one.sex)}")
    if one.status:
        facts.append(f"  status: {option_word(one.status)}{_since(one)}")
    if one.notes:
        facts.append(f"  notes: {one.notes}")
    if one.tags:
        facts.append(f"  tags: {', '.join(one.tags)}")
    for alias in one.aliases:
        named = f" ({alias.display_name})" if alias.display_name else ""
        facts.append(f"  includes {alias.individual_id}{named}")
    return facts


def change_document(change: IndividualsChange) -> dict[str, object]:
    """A change as a JSON document."""
    return {
        "change": change.position,
        "individuals": [document(one) for one in change.individuals],
        "set_aside": [_label_document(label) for label in change.superseded],
        "set_aside_count": change.superseded_count,
        "set_aside_facts": [
            asdict(fact) | {"source": option_word(fact.source)} for fact in change.superseded_facts
        ],
        "set_aside_fact_count": change.superseded_fact_count,
    }


def print_change(change: IndividualsChange, survey_id: str, *, undone: bool) -> None:
    """Print the individuals after a change, and the answers that it set aside or that count again."""
    for one in change.individuals:
        name = f"{one.display_name} ({one.individual_id})" if one.display_name else one.individual_id
        click.echo(f"{name}: {with_unit(len(one.detection_ids), 'detection')}")
    if change.superseded_count:
        counting = _counting(change.superseded_count, undone=undone)
        click.echo(f"{with_unit(change.superseded_count, 'answer')} against it {counting}:")
        for label in change.superseded[:LABELS_SHOWN]:
            said = "one animal" if label.answer is Answer.SAME else "two animals"
            pair = f"{label.first_detection_id} and {label.second_detection_id}"
            click.echo(f"  {pair} are {said} ({label.annotator_id})")
        if change.superseded_count > LABELS_SHOWN:
            click.echo(f"  and {change.superseded_count - LABELS_SHOWN} more")
    _print_facts(change, undone=undone)
    if not undone:
        click.echo(f"to undo: spotted individuals undo {survey_id} {change.position}")


def _print_facts(change: IndividualsChange, *, undone: bool) -> None:
    count = change.superseded_fact_count
    if not count:
        return
    click.echo(f"{with_unit(count, 'known fact')} against it {_counting(count, undone=undone)}:")
    for fact in change.superseded_facts[:LABELS_SHOWN]:
        pair = f"{fact.first_detection_id} and {fact.second_detection_id}"
        if fact.source is Source.ENCOUNTER:
            click.echo(f"  {pair} are of encounter {fact.names[0]}")
        elif len(fact.names) == 1:
            click.echo(f"  {pair} are both named {fact.names[0]}")
        else:
            click.echo(f"  {pair} are named {' and '.join(fact.names)}")
    if count > LABELS_SHOWN:
        click.echo(f"  and {count - LABELS_SHOWN} more")


def _counting(count: int, *, undone: bool) -> str:
    verb = "counts" if count == 1 else "count"
    return f"{verb} again" if undone else f"no longer {verb}"


def _since(one: Individual | CatalogueEntry) -> str:
    if one.dead_since_s is None:
        return ""
    return f" since {datetime.fromtimestamp(one.dead_since_s, UTC).isoformat(timespec='seconds')}"


def _label_document(label: Label) -> dict[str, object]:
    return asdict(label) | {"answer": option_word(label.answer)}
