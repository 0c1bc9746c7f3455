"""`spotted session`: list, create, show and change sessions, and their journals as files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

import click

from spotted.cli.connection import connect
from spotted.cli.sessions.changes import change_known, change_trust, create_session
from spotted.client import Progress
from spotted.client.session_events import event_json, read_event
from spotted.client.values import SessionEvent
from spotted.console import (
    data_option,
    json_option,
    option_word,
    progress,
    session_option,
    show,
    table,
    with_unit,
)
from spotted.errors import InvalidInputError

FILE = click.Path(dir_okay=False, path_type=Path)
PART = ".part"
CONFLICTS_SHOWN = 10
SESSION_COLUMNS = ("session", "strategy", "trust", "events")
COLUMNS = ("annotator", "answers", "answers/min", "false same", "false different")


@click.group()
def session() -> None:
    """List, create, show, change, export or import annotation sessions."""


for command in (create_session, change_trust, change_known):
    session.add_command(command)


@session.command("list")
@click.argument("survey")
@data_option
@json_option
def list_sessions(*, survey: str, directory: Path, as_json: bool) -> None:
    """List the sessions of a survey."""
    with connect(directory) as spotted:
        sessions = list(spotted.survey(survey).sessions())
    rows = [
        (one.session_id, one.strategy, "" if one.trust is None else option_word(one.trust), one.position)
        for one in sessions
    ]
    listed = [
        asdict(one) | {"trust": None if one.trust is None else option_word(one.trust)} for one in sessions
    ]
    title = f"{with_unit(len(sessions), 'session')} of {survey}"
    show({"sessions": listed}, as_json=as_json, text=lambda: table(title, SESSION_COLUMNS, rows))


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
        handle = spotted.survey(survey).session(session_id)
        state = handle.progress()
        conflicts = [conflict.message for conflict in handle.conflicts()]

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
@click.option("--output", "-o", required=True, type=FILE, help="JSON Lines file to write.")
@data_option
@json_option
def export_session(*, survey: str, session_id: str, directory: Path, as_json: bool, output: Path) -> None:
    """Write the journal of a session to a file, one event per line, to back it up or move it.

    The file appears when it is complete, and replaces an existing file.
    """
    part = output.with_name(output.name + PART)
    with connect(directory) as spotted:
        handle = spotted.survey(survey).session(session_id)
        total = handle.info().position
        try:
            with part.open("w", encoding="utf-8") as file, progress("events", total) as advance:
                written = _write(file, handle.events(), advance)
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
                handle = spotted.survey(survey).import_session(session_id, _events(lines, advance))
        except InvalidInputError as error:
            # the file has one event per line
            line = "" if error.index is None else f", line {error.index + 1}"
            raise InvalidInputError(f"{file}{line}: {error}", field=error.field) from error
        state = handle.progress()
    document: dict[str, object] = {"session_id": session_id, "events": state.position}
    words = f"session {session_id} of {survey} has {with_unit(state.position, 'event')}: {state.summary}"
    show(document, as_json=as_json, text=lambda: click.echo(words))


def progress_document(state: Progress) -> dict[str, object]:
    """The progress of a session as a JSON document; null for values that are not known yet."""
    return {
        "detections": state.detections,
        "individuals": state.individuals,
        "same_pairs": state.same_pairs,
        "open_pairs": state.open_pairs,
        "conflicts": state.conflicts,
        "pending": state.pending,
        "trust": None if state.trust is None else option_word(state.trust),
        "merges_left_at_most": state.merges_left_at_most,
        "guarantees": {f"{one.target:.2f}": one.reached for one in state.guarantees},
        "audit": None if state.audit is None else asdict(state.audit),
        "checks": state.checks,
        "agreement": state.agreement,
        "kappa": state.kappa,
        "annotators": [asdict(one) for one in state.annotators],
    }


def print_progress(state: Progress) -> None:
    """Print the summary of a session's labels and guarantees, then its annotators."""
    click.echo(state.summary)
    if state.agreement is not None:
        kappa = "" if state.kappa is None else f", kappa {state.kappa:.2f}"
        click.echo(f"repeated answers to the same pair agree in {state.agreement:.0%}{kappa}")
    if state.annotators:
        rows = [
            (
                one.annotator_id,
                one.answers,
                "" if one.answers_per_minute is None else f"{one.answers_per_minute:.1f}",
                _percent(one.false_same_rate),
                _percent(one.false_different_rate),
            )
            for one in state.annotators
        ]
        table("annotators", COLUMNS, rows)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _write(file: TextIO, events: Iterable[SessionEvent], advance: Callable[[int], None]) -> int:
    """Write each event as a line and return the number of lines."""
    written = 0
    for event in events:
        file.write(event_json(event) + "\n")
        written += 1
        advance(1)
    return written


def _events(lines: TextIO, advance: Callable[[int], None]) -> Iterator[SessionEvent]:
    """The event of each line. Raises InvalidInputError whose field has the index of the wrong line."""
    for index, line in enumerate(lines):
        try:
            event = read_event(line)
        except InvalidInputError as error:
            raise InvalidInputError(str(error), field=f"events[{index}]") from error
        advance(1)
        yield event
