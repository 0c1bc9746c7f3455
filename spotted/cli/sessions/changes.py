"""`spotted session create | trust | known`: a session and its settings."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from spotted.cli.connection import connect
from spotted.cli.sessions.settings import SessionSettings, settings_options
from spotted.client.values import SessionInfo
from spotted.console import EnumChoice, data_option, json_option, option_word, session_option, show
from spotted.constraints import Trust
from spotted.facts import KnownIndividuals


@click.command("create")
@click.argument("survey")
@session_option
@settings_options
@data_option
@json_option
def create_session(
    *,
    survey: str,
    session_id: str,
    directory: Path,
    as_json: bool,
    **settings: Any,  # noqa: ANN401 - the fields of SessionSettings
) -> None:
    """Create a session without asking anything yet.

    `spotted annotate` creates one with the same options on its first call.
    """
    with connect(directory) as spotted:
        created = SessionSettings(**settings).create(spotted.survey(survey), session_id)
        info, state = created.info(), created.progress()
    words = f"session {session_id} of {survey}: {_settings_text(info)}\n{state.summary}"
    show(_settings_document(info), as_json=as_json, text=lambda: click.echo(words))


@click.command("trust")
@click.argument("survey")
@click.argument("trust", type=EnumChoice(Trust))
@session_option
@data_option
@json_option
def change_trust(*, survey: str, trust: Trust, session_id: str, directory: Path, as_json: bool) -> None:
    """Change how much a single answer is trusted.

    Every decision that stands is kept. Under verified trust it is evidence of the annotator who gave it, and
    accepted until another answer contradicts it.
    """
    with connect(directory) as spotted:
        handle = spotted.survey(survey).session(session_id)
        before, after = handle.progress(), handle.update(trust=trust)
        info = handle.info()
    words = (
        f"session {session_id} of {survey}: {_settings_text(info)}; {before.individuals} individuals before, "
        f"{after.individuals} now"
    )
    show(_settings_document(info), as_json=as_json, text=lambda: click.echo(words))


@click.command("known")
@click.argument("survey")
@click.argument("known", type=EnumChoice(KnownIndividuals))
@session_option
@data_option
@json_option
def change_known(
    *, survey: str, known: KnownIndividuals, session_id: str, directory: Path, as_json: bool
) -> None:
    """Read the names of the survey again, and believe, suggest or ignore them.

    believed: detections of one name are one animal, of two names two. suggested: pairs of one name are asked
    first. ignored: names are not used.
    """
    with connect(directory) as spotted:
        handle = spotted.survey(survey).session(session_id)
        state = handle.update(known_individuals=known)
        info = handle.info()
    words = f"session {session_id} of {survey}: {_settings_text(info)}\n{state.summary}"
    show(_settings_document(info), as_json=as_json, text=lambda: click.echo(words))


def _settings_document(info: SessionInfo) -> dict[str, object]:
    """The settings of a session as a JSON document."""
    return {
        "session_id": info.session_id,
        "strategy": info.strategy,
        "seed": info.seed,
        "trust": None if info.trust is None else option_word(info.trust),
        "known": None if info.known_individuals is None else option_word(info.known_individuals),
        "filter": asdict(info.only),
        "opposite_flanks": info.ask_opposite_flanks,
        "catalogue_surveys": list(info.catalogue_survey_ids),
    }


def _settings_text(info: SessionInfo) -> str:
    trust = option_word(info.trust or Trust.SINGLE)
    known = option_word(info.known_individuals or KnownIndividuals.BELIEVED)
    drawn = f", catalogue of {', '.join(info.catalogue_survey_ids)}" if info.catalogue_survey_ids else ""
    return f"strategy {info.strategy}, trust {trust}, known names {known}{drawn}"
