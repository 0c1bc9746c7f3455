"""`spotted list`: the surveys of the services."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from spotted.cli.connection import connect
from spotted.client import Spotted
from spotted.client.values import SessionInfo, SurveyInfo
from spotted.console import data_option, json_option, next_step, show, table, with_unit
from spotted.errors import NotFoundError

COLUMNS = ("survey", "name", "cameras", "detections", "sessions", "last change")


@dataclass(frozen=True, slots=True)
class Listed:
    """A survey with its sessions."""

    survey: SurveyInfo
    """The survey; if it is damaged, only its id and the damage."""
    sessions: tuple[SessionInfo, ...]
    """Its sessions."""

    @property
    def changed_at_s(self) -> float | None:
        """When the survey or one of its sessions was last changed, UTC seconds since 1970."""
        times = [self.survey.updated_at_s, *(session.updated_at_s for session in self.sessions)]
        return max((time for time in times if time is not None), default=None)


@click.command("list")
@data_option
@json_option
def list_surveys(*, directory: Path, as_json: bool) -> None:
    """List the surveys with their cameras, detections, sessions and last change.

    The last change is that of the survey or of one of its sessions, in the time of this machine. It lists the
    surveys that this machine's token may see.
    """
    with connect(directory) as spotted:
        listed = _listed(spotted)

    def text() -> None:
        rows = [_row(one) for one in listed if not one.survey.damage]
        table(with_unit(len(listed), "survey"), COLUMNS, rows)
        for one in listed:
            if one.survey.damage:
                click.echo(one.survey.damage)
        if not listed:
            next_step(
                "spotted import DIR   (DIR: a folder of photographs, a Camtrap DP directory, a table ...)"
            )

    show({"surveys": [_document(one) for one in listed]}, as_json=as_json, text=text)


def _listed(spotted: Spotted) -> list[Listed]:
    listed = []
    for survey in spotted.surveys():
        # one that is deleted meanwhile is left out
        with suppress(NotFoundError):
            sessions = () if survey.damage else tuple(spotted.survey(survey.survey_id).sessions())
            listed.append(Listed(survey, sessions))
    return listed


def _row(one: Listed) -> tuple[object, ...]:
    names = ", ".join(session.session_id for session in one.sessions)
    changed_at_s = one.changed_at_s
    here = None if changed_at_s is None else datetime.fromtimestamp(changed_at_s, UTC).astimezone()
    changed = f"{here:%Y-%m-%d %H:%M}" if here else ""
    survey = one.survey
    return (
        survey.survey_id,
        survey.display_name,
        survey.camera_count,
        survey.detection_count,
        names or "-",
        changed,
    )


def _document(one: Listed) -> dict[str, object]:
    changed_at_s = one.changed_at_s
    return {
        "survey_id": one.survey.survey_id,
        "display_name": one.survey.display_name,
        "cameras": one.survey.camera_count,
        "detections": one.survey.detection_count,
        "sessions": [session.session_id for session in one.sessions],
        "changed_at": None if changed_at_s is None else _instant(changed_at_s),
        "damage": one.survey.damage,
    }


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
