"""How far a session is, for machines and for people."""

from __future__ import annotations

from pathlib import Path

import click

from spotted.cli.connecting import connected
from spotted.cli.console import data_option, json_option, session_option, show, table
from spotted.v1 import sampler_pb2

CONFLICTS_SHOWN = 10
COLUMNS = ("annotator", "answers", "a minute", "wrongly same", "wrongly different")
TRUSTS = {sampler_pb2.TRUST_SINGLE: "single", sampler_pb2.TRUST_VERIFIED: "verified"}


@click.command("show")
@click.argument("survey")
@session_option
@data_option
@json_option
def show_session(*, survey: str, session_id: str, directory: Path, as_json: bool) -> None:
    """Tell how far a session is, what its answers guarantee, and who gave them.

    Conflicts come with the fewest earlier answers that contradict each.
    """
    with connected(directory) as spotted:
        state = spotted.progress(survey, session_id)
        conflicts = [conflict.message for conflict in spotted.conflicts(survey, session_id)]

    def text() -> None:
        print_text(state)
        for message in conflicts[:CONFLICTS_SHOWN]:
            click.echo(f"conflict: {message}")
        if len(conflicts) > CONFLICTS_SHOWN:
            click.echo(f"and {len(conflicts) - CONFLICTS_SHOWN} more conflicts; --json lists all")

    show(document(state) | {"conflict_messages": conflicts}, as_json=as_json, text=text)


def document(state: sampler_pb2.Progress) -> dict[str, object]:
    """A session's progress as JSON has it; null where something is not known yet."""
    audit = state.audit
    return {
        "detections": state.detections,
        "individuals": state.individuals,
        "same_pairs": state.same_pairs,
        "open_pairs": state.open_pairs if state.HasField("open_pairs") else None,
        "conflicts": state.conflicts,
        "pending": state.pending,
        "trust": TRUSTS.get(state.trust),
        "merges_left_at_most": state.merges_left_at_most if state.HasField("merges_left_at_most") else None,
        "guarantees": {f"{one.target:.2f}": one.reached for one in state.guarantees},
        "audit": {
            "answered": audit.answered,
            "same": audit.same,
            "open_pairs": audit.open_pairs,
            "same_at_most": audit.same_at_most,
        }
        if state.HasField("audit")
        else None,
        "checks": state.checks,
        "agreement": state.agreement if state.HasField("agreement") else None,
        "kappa": state.kappa if state.HasField("kappa") else None,
        "annotators": [_annotator(one) for one in state.annotators],
    }


def print_text(state: sampler_pb2.Progress) -> None:
    """Print what the labels say and guarantee, then who gave them."""
    click.echo(state.summary)
    if state.HasField("agreement"):
        kappa = f", kappa {state.kappa:.2f}" if state.HasField("kappa") else ""
        click.echo(f"checks of one pair agree in {state.agreement:.0%}{kappa}")
    if state.annotators:
        rows = [
            (
                one.annotator_id,
                one.answers,
                f"{one.answers_per_minute:.1f}" if one.HasField("answers_per_minute") else "",
                f"{one.false_same_rate:.1%}" if one.HasField("false_same_rate") else "",
                f"{one.false_different_rate:.1%}" if one.HasField("false_different_rate") else "",
            )
            for one in state.annotators
        ]
        table("annotators", COLUMNS, rows)


def _annotator(one: sampler_pb2.AnnotatorProgress) -> dict[str, object]:
    return {
        "annotator_id": one.annotator_id,
        "answers": one.answers,
        "answers_per_minute": one.answers_per_minute if one.HasField("answers_per_minute") else None,
        "false_same_rate": one.false_same_rate if one.HasField("false_same_rate") else None,
        "false_different_rate": one.false_different_rate if one.HasField("false_different_rate") else None,
    }
