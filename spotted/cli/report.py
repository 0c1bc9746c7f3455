"""`spotted report`: the page of a survey whose individuals nobody knew before."""

from __future__ import annotations

import time
from datetime import UTC
from pathlib import Path

import click

from spotted.cli.connection import connect
from spotted.cli.sessions.unfinished import find_unfinished
from spotted.client import Progress, SessionHandle, SurveyHandle
from spotted.console import data_option, err, json_option, session_option, show
from spotted.errors import NotFoundError
from spotted.formats.timestamps import time_zone
from spotted.reports.evaluation_figures import read_image
from spotted.reports.survey import FoundIndividual, SessionState, SurveyFacts, SurveyReport, describe, render
from spotted.reports.survey.wording import DEFAULT_SESSION


@click.command()
@click.argument("survey")
@session_option
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("report.html"),
    show_default=True,
    help="HTML file to write; an older one is replaced.",
)
@data_option
@json_option
def report(*, survey: str, session_id: str, directory: Path, as_json: bool, output: Path) -> None:
    """Write a page about a survey: who was found, where and when, how certain it is, what next.

    No known identities are needed. The page shows the individuals of a session with both flanks, maps and
    time lines, those seen once, contradictions, and photographs by camera and week. Before the first session
    it shows the cameras and weeks. It is one file that needs no network, and can be printed; it holds
    photographs and relative places, but no coordinates.
    """
    with connect(directory) as spotted, err.status("reading the survey"):
        facts = _read_facts(spotted.survey(survey), session_id)
    with err.status("drawing"):
        made = describe(facts, read_image, made_s=time.time())
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(render(made), encoding="utf-8")
    document = made.document() | {"output": str(output), "unreadable": made.unreadable}
    show(document, as_json=as_json, text=lambda: _print(made, output))


def _read_facts(handle: SurveyHandle, session_id: str) -> SurveyFacts:
    """A survey with its session, or without one if there is no default session yet.

    Raises NotFoundError for another session that does not exist.
    """
    stored = handle.info()
    sessions = [one.session_id for one in handle.sessions()]
    if session_id not in sessions and session_id != DEFAULT_SESSION:
        known = f"its sessions are {', '.join(sessions)}" if sessions else "it has none yet"
        raise NotFoundError(f"survey {handle.survey_id!r} has no session {session_id!r}; {known}")
    detections = {d.detection_id: d for d in handle.detections()}
    state, individuals = None, []
    if session_id in sessions:
        session = handle.session(session_id)
        state = _read_state(session)
        individuals = [
            FoundIndividual(one.name, [detections[d] for d in one.detection_ids if d in detections])
            for one in session.individuals()
        ]
    return SurveyFacts(
        survey_id=handle.survey_id,
        cameras=list(handle.cameras()),
        detections=list(detections.values()),
        start_s=stored.start_s,
        end_s=stored.end_s,
        title=stored.display_name,
        zone=time_zone(stored.time_zone) if stored.time_zone else UTC,
        zone_name=stored.time_zone,
        limit_kmh=stored.feasibility.max_speed_kmh,
        session=state,
        individuals=individuals,
        other_sessions=[one for one in sessions if one != session_id],
    )


def _read_state(session: SessionHandle) -> SessionState:
    progress = session.progress()
    answers = _answers(progress)
    return SessionState(
        session.session_id,
        answers=answers,
        finished=bool(answers) and not find_unfinished(session),
        certain_share=max((one.target for one in progress.guarantees if one.reached), default=0.0),
        merges_left_at_most=progress.merges_left_at_most,
        questions_left=progress.estimated_remaining_pairs,
        answers_per_minute=progress.answers_per_minute,
        pending=progress.pending,
        conflicts=[one.message for one in session.conflicts()],
    )


def _answers(progress: Progress) -> int:
    return progress.same + progress.different + progress.not_comparable


def _print(made: SurveyReport, output: Path) -> None:
    for sentence in (made.finding, *made.certainty):
        click.echo(sentence)
    for step in made.steps:
        click.echo(f"next: {step.command}")
    if made.unreadable:
        err.print(f"note: photographs that cannot be read on this machine: {made.unreadable}")
    click.echo(f"report: {output}")
