"""`spotted annotate`: answer the questions of a session, in person or by an oracle."""

from __future__ import annotations

import getpass
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from spotted.cli.asking.patience import patiently
from spotted.cli.asking.question_text import print_effects
from spotted.cli.asking.replies import Reply, ask
from spotted.cli.connection import connect
from spotted.cli.session import print_progress, progress_document
from spotted.cli.sessions.settings import SessionSettings, settings_options
from spotted.client import Label, QuestionKind, SessionHandle, SurveyHandle, oracle
from spotted.client.connection import request_id as new_request_id
from spotted.console import (
    data_option,
    err,
    json_option,
    option_word,
    progress,
    session_option,
    show,
    with_unit,
)
from spotted.errors import NotFoundError, PreconditionError
from spotted.facts import KnownIndividuals


@dataclass(frozen=True, slots=True)
class Selection:
    """The questions to ask in one run of the command."""

    annotator_id: str
    """Who answers; not used by the oracle."""

    shows: tuple[QuestionKind, ...]
    """Kinds of questions to ask besides pairs."""

    audit: bool
    """True to ask random open pairs instead."""

    limit: int | None
    """Most questions to answer, None for all."""

    open_files: bool = False
    """Whether photographs are shown in the viewer of this machine."""


@click.command()
@click.argument("survey")
@session_option
@click.option("--annotator", default=getpass.getuser, show_default="your login", help="Annotator id.")
@click.option("--bursts", is_flag=True, help="Ask about all frames of a burst at once.")
@click.option("--galleries", is_flag=True, help="Ask about one photograph against several candidates.")
@click.option("--audit", is_flag=True, help="Ask random open pairs, to bound how many matches are missed.")
@click.option("--oracle", "by_oracle", is_flag=True, help="Answer from the known identities of the survey.")
@click.option("--limit", type=click.IntRange(min=1), help="Maximum number of questions.")
@click.option("--open", "open_files", is_flag=True, help="Show the photographs in your viewer.")
@click.option("--undo", is_flag=True, help="Take back your last answer instead of asking.")
@settings_options
@data_option
@json_option
def annotate(
    *,
    survey: str,
    session_id: str,
    directory: Path,
    as_json: bool,
    annotator: str,
    bursts: bool,
    galleries: bool,
    audit: bool,
    by_oracle: bool,
    limit: int | None,
    open_files: bool,
    undo: bool,
    **settings: Any,  # noqa: ANN401 - the fields of SessionSettings
) -> None:
    """Answer "the same animal?" for one pair of photographs after another.

    Each answer is stored on disk before the next question. Pairs implied by earlier answers are never asked.
    A key answers without Enter. u takes back your last answer, as often as you like. If a service is
    restarted, the command waits for it and says whether the answer was kept. Stop at any time with q; the
    next `spotted annotate SURVEY` continues the session with its settings.
    """
    if audit and (bursts or galleries):
        raise click.UsageError("--audit asks only pairs; leave out --bursts and --galleries")
    kinds = {QuestionKind.BURST: bursts, QuestionKind.GALLERY: galleries}
    shows = tuple(kind for kind, on in kinds.items() if on)
    selection = Selection(annotator, shows, audit, limit, open_files)
    with connect(directory) as spotted:
        handle = spotted.survey(survey)
        if undo:
            _undo(handle.session(session_id), annotator, as_json=as_json)
            return
        session = _open(handle, session_id, SessionSettings(**settings), by_oracle=by_oracle)
        ask_all = _ask_oracle if by_oracle else _ask_person
        answered = ask_all(handle, session, selection)
        state = session.progress()

    def text() -> None:
        click.echo(f"{with_unit(answered, 'question')} answered.")
        print_progress(state)

    show({"answers_given": answered} | progress_document(state), as_json=as_json, text=text)


def _undo(session: SessionHandle, annotator_id: str, *, as_json: bool) -> None:
    """Take back the annotator's last answer, and show the progress. Raises NotFoundError if there is none."""
    last = _last_labels(session, annotator_id)
    state = session.retract_labels([label.label_id for label in last], annotator_id)

    def text() -> None:
        _print_taken_back(last)
        print_progress(state)

    ids = [label.label_id for label in last]
    show({"taken_back": ids} | progress_document(state), as_json=as_json, text=text)


def _last_labels(session: SessionHandle, annotator_id: str) -> list[Label]:
    """The labels of the annotator's last question. Raises NotFoundError if there is none."""
    labels = [label for label in session.labels() if label.annotator_id == annotator_id]
    if not labels:
        raise NotFoundError(f"annotator {annotator_id!r} has no answer in session {session.session_id!r}")
    # the labels of one question were stored together
    return [label for label in labels if label.created_at_s == labels[-1].created_at_s]


def _print_taken_back(labels: list[Label]) -> None:
    for label in labels:
        pair = f"{label.first_detection_id} and {label.second_detection_id}"
        click.echo(f"taken back: {pair}, {option_word(label.answer)}")


def _open(
    survey: SurveyHandle, session_id: str, settings: SessionSettings, *, by_oracle: bool
) -> SessionHandle:
    """Open the session; one for the oracle ignores the names that the oracle answers from."""
    if not by_oracle:
        return settings.open(survey, session_id)
    if settings.known not in (None, KnownIndividuals.IGNORED):
        raise click.UsageError("--oracle answers from the names of the survey; leave out --known")
    if settings.catalogue:
        raise click.UsageError("--oracle knows only the animals of the survey; leave out --catalogue")
    if settings == SessionSettings():
        try:
            return _require_ignoring(survey.session(session_id))
        except NotFoundError:
            # created below
            pass
    return replace(settings, known=KnownIndividuals.IGNORED).create(survey, session_id)


def _require_ignoring(session: SessionHandle) -> SessionHandle:
    if session.info().known_individuals is not KnownIndividuals.IGNORED:
        raise PreconditionError(
            f"session {session.session_id!r} uses the names that --oracle answers from, so that its answers "
            f"would measure nothing; choose another --session, or `spotted session known "
            f"{session.survey_id} ignored --session {session.session_id}`"
        )
    return session


def _ask_oracle(survey: SurveyHandle, session: SessionHandle, selection: Selection) -> int:
    truth = oracle.read_truth(survey)
    with progress("questions", selection.limit) as advance:
        return oracle.answer_all(
            session,
            truth,
            shows=selection.shows,
            audit=selection.audit,
            limit=selection.limit,
            on_answer=lambda _: advance(1),
        )


def _ask_person(survey: SurveyHandle, session: SessionHandle, selection: Selection) -> int:
    """Ask until the limit, the end or a quit; returns the number of questions answered."""
    answered, notice, zone = 0, "", ZoneInfo(survey.info().time_zone or "UTC")
    asked = partial(session.next_pairs, selection.annotator_id, shows=selection.shows, audit=selection.audit)
    while selection.limit is None or answered < selection.limit:
        questions = patiently(asked, doing="choosing the next question; a new round takes longer")
        if not questions.pairs and not questions.groups:
            err.print(
                "All questions are answered."
                if questions.finished
                else "All open questions are assigned to other annotators."
            )
            break
        if questions.notice and not notice:
            notice = questions.notice
            change = f"spotted session trust {session.survey_id} verified --session {session.session_id}"
            err.print(f"{notice}\nTo change its trust: {change}", markup=False, soft_wrap=True)
        reply = ask(questions, answered + 1, selection.annotator_id, zone, open_files=selection.open_files)
        if reply is None:
            break
        answered = max(answered + _carry_out(session, selection.annotator_id, reply), 0)
    return answered


def _carry_out(session: SessionHandle, annotator_id: str, reply: Reply) -> int:
    """Store an answer, or take the last one back; returns by how many the answers grew."""
    if reply.undo:
        return _undo_one(session, annotator_id)
    # repeated with the same id, an answer is stored once
    submit = partial(session.submit_labels, reply.labels, bursts=reply.bursts, request_id=new_request_id())
    try:
        stored = patiently(submit, doing="storing", kept="Your answer is stored.")
    except PreconditionError as error:
        # about a photograph that the session does not know; the question is fetched again
        err.print(str(error), markup=False, soft_wrap=True)
        return 0
    print_effects(stored.outcomes)
    return 1


def _undo_one(session: SessionHandle, annotator_id: str) -> int:
    """Take back the last answer; returns by how many the answers grew."""
    try:
        last = patiently(lambda: _last_labels(session, annotator_id), doing="looking for your last answer")
    except NotFoundError as error:
        err.print(str(error), markup=False)
        return 0
    ids = [label.label_id for label in last]
    retract = partial(session.retract_labels, ids, annotator_id, request_id=new_request_id())
    patiently(retract, doing="taking it back", kept="Your answer was taken back.")
    _print_taken_back(last)
    return -1
