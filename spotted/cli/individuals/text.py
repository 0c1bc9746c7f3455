"""Individuals and changes of them as text, and as JSON documents."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

import click

from spotted.client.values import Individual, IndividualsChange, Label
from spotted.console import option_word, with_unit
from spotted.constraints import Answer

LABELS_SHOWN = 10


def document(one: Individual) -> dict[str, object]:
    """An individual as a JSON document."""
    return asdict(one) | {"sex": option_word(one.sex), "status": option_word(one.status)}


def describe(one: Individual) -> str:
    """An individual as text, one fact a line."""
    facts = [f"{one.name} ({one.individual_id})" if one.display_name else one.individual_id]
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
    facts.append(f"  {with_unit(len(one.detection_ids), 'detection')}: {', '.join(one.detection_ids)}")
    return "\n".join(facts)


def change_document(change: IndividualsChange) -> dict[str, object]:
    """A change as a JSON document."""
    return {
        "change": change.position,
        "individuals": [document(one) for one in change.individuals],
        "set_aside": [_label_document(label) for label in change.superseded],
        "set_aside_count": change.superseded_count,
    }


def print_change(change: IndividualsChange, survey_id: str, *, undone: bool) -> None:
    """Print the individuals after a change, and the answers that it set aside or that count again."""
    for one in change.individuals:
        name = f"{one.display_name} ({one.individual_id})" if one.display_name else one.individual_id
        click.echo(f"{name}: {with_unit(len(one.detection_ids), 'detection')}")
    if change.superseded_count:
        verb = "counts" if change.superseded_count == 1 else "count"
        what = f"{verb} again" if undone else f"no longer {verb}"
        click.echo(f"{with_unit(change.superseded_count, 'answer')} against it {what}:")
        for label in change.superseded[:LABELS_SHOWN]:
            said = "one animal" if label.answer is Answer.SAME else "two animals"
            pair = f"{label.first_detection_id} and {label.second_detection_id}"
            click.echo(f"  {pair} are {said} ({label.annotator_id})")
        if change.superseded_count > LABELS_SHOWN:
            click.echo(f"  and {change.superseded_count - LABELS_SHOWN} more")
    if not undone:
        click.echo(f"to undo: spotted individuals undo {survey_id} {change.position}")


def _since(one: Individual) -> str:
    if one.dead_since_s is None:
        return ""
    return f" since {datetime.fromtimestamp(one.dead_since_s, UTC).isoformat(timespec='seconds')}"


def _label_document(label: Label) -> dict[str, object]:
    return asdict(label) | {"answer": option_word(label.answer)}
