"""`spotted session show | export | import`: progress of a session, and its journal as a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TextIO

import click
from google.protobuf import json_format

from spotted.cli.connection import connect
from spotted.console import data_option, json_option, progress, session_option, show, table, with_unit
from spotted.errors import InvalidInputError
from spotted.v1 import sampler_pb2

FILE = click.Path(dir_okay=False, path_type=Path)
PART = ".part"
CONFLICTS_SHOWN = 10
COLUMNS = ("annotator", "answers", "answers/min", "false same", "false different")
TRUSTS = {sampler_pb2.TRUST_SINGLE: "single", sampler_pb2.TRUST_VERIFIED: "verified"}


@click.group()
def session() -> None:
    """Show, export or import an annotation session."""


@session.command("show")
@click.argument("survey")
@session_option
@data_option
@json_option
def show_session(*, survey: str, session_id: str, directory: Path, as_json: bool) -> None:
    """Show the progress of a session, the guarantees of its answers, and its annotators.

    Each conflict is listed with the smallest set of earlier answers that contradict it.
    """
    with connect(directory) as spotted:
        state = spotted.progress(survey, session_id)
        conflicts = [conflict.message for conflict in spotted.conflicts(survey, session_id)]

    def text() -> None:
        print_progress(state)
        for message in conflicts[:CONFLICTS_SHOWN]:
            click.echo(f"conflict: {message}")
        if len(conflicts) > CONFLICTS_SHOWN:
            click.echo(f"... and {len(conflicts) - CONFLICTS_SHOWN} more conflicts; --json lists them all")

    show(progress_document(state) | {"conflict_messages": conflicts}, as_json=as_json, text=text)


@session.command("export")
@click.argument("survey")
@session_option
@data_option
@json_option
@click.option("--output", "-o", required=True, type=FILE, help="JSON Lines file to write.")
def export_session(*, survey: str, session_id: str, directory: Path, as_json: bool, output: Path) -> None:
    """Write the journal of a session to a file, one event per line, to back it up or move it.

    The file appears when it is complete, and replaces an existing file.
    """
    part = output.with_name(output.name + PART)
    with connect(directory) as spotted:
        total = spotted.session(survey, session_id).position
        try:
            with part.open("w", encoding="utf-8") as file, progress("events", total) as advance:
                written = _write(file, spotted.export_session(survey, session_id), advance)
            part.replace(output)
        finally:
            part.unlink(missing_ok=True)
    document: dict[str, object] = {"output": str(output), "events": written}
    words = f"{with_unit(written, 'event')} of session {session_id} of {survey} written to {output}"
    show(document, as_json=as_json, text=lambda: click.echo(words))


@session.command("import")
@click.argument("survey")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@session_option
@data_option
@json_option
def import_session(*, survey: str, file: Path, session_id: str, directory: Path, as_json: bool) -> None:
    """Create a session from a file that `spotted session export` wrote.

    The survey must contain the detections that the answers refer to. Either the whole session is stored, or
    nothing.
    """
    with file.open(encoding="utf-8", errors="replace") as lines:
        total = sum(1 for _ in lines)
    with connect(directory) as spotted, progress("events", total) as advance:
        try:
            with file.open(encoding="utf-8", errors="replace") as lines:
                stored = spotted.import_session(survey, session_id, _events(lines, advance))
        except InvalidInputError as error:
            # an event stands on the line of its position
            words = (
                str(error).replace("event ", "line ", 1) if str(error).startswith("event ") else str(error)
            )
            raise InvalidInputError(f"{file}: {words}", field=error.field) from error
        state = spotted.progress(survey, session_id)
    document: dict[str, object] = {"session_id": session_id, "events": stored.position}
    words = f"session {session_id} of {survey} has {with_unit(stored.position, 'event')}: {state.summary}"
    show(document, as_json=as_json, text=lambda: click.echo(words))


def progress_document(state: sampler_pb2.Progress) -> dict[str, object]:
    """The progress of a session as a JSON document; null for values that are not known yet."""
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


def print_progress(state: sampler_pb2.Progress) -> None:
    """Print the summary of a session's labels and guarantees, then its annotators."""
    click.echo(state.summary)
    if state.HasField("agreement"):
        kappa = f", kappa {state.kappa:.2f}" if state.HasField("kappa") else ""
        click.echo(f"repeated answers to the same pair agree in {state.agreement:.0%} of cases{kappa}")
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


def _write(file: TextIO, events: Iterable[sampler_pb2.SessionEvent], advance: Callable[[int], None]) -> int:
    """Write each event as a line and return the number of lines."""
    written = 0
    for event in events:
        file.write(json_format.MessageToJson(event, indent=None) + "\n")
        written += 1
        advance(1)
    return written


def _events(lines: TextIO, advance: Callable[[int], None]) -> Iterator[sampler_pb2.SessionEvent]:
    """The event of each line. Raises InvalidInputError that names the line."""
    for number, line in enumerate(lines, start=1):
        try:
            event = json_format.Parse(line, sampler_pb2.SessionEvent())
        except json_format.ParseError as error:
            raise InvalidInputError(
                f"line {number} is no event of a session ({error}); export the session anew"
            ) from error
        advance(1)
        yield event
