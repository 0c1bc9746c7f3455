"""`spotted delete detection | camera | survey`: remove stored content after a confirmation."""

from __future__ import annotations

from pathlib import Path

import click

from spotted.cli.connection import connect
from spotted.client import SurveyHandle
from spotted.console import CommandT, data_option, json_option, show, with_unit
from spotted.errors import NotFoundError
from spotted.formats.sources import forget

IDS_SHOWN = 5
# most ids of one call
BLOCK = 10_000


def yes_option(command: CommandT) -> CommandT:
    """Add --yes."""
    return click.option("--yes", is_flag=True, help="Delete without asking for confirmation.")(command)


@click.group()
def delete() -> None:
    """Delete detections, cameras or a whole survey."""


@delete.command("detection")
@click.argument("survey")
@click.argument("detection_ids", metavar="DETECTION...", nargs=-1, required=True)
@yes_option
@data_option
@json_option
def delete_detection(
    *, survey: str, detection_ids: tuple[str, ...], yes: bool, directory: Path, as_json: bool
) -> None:
    """Delete detections of a survey.

    They leave all lists of candidates; no other score changes.
    """
    with connect(directory) as spotted:
        handle = spotted.survey(survey)
        found = _present(detection_ids, {d.detection_id for d in handle.detections()}, "detection", survey)
        _confirm(f"delete {_named(found, 'detection')} of survey {survey}?", yes=yes)
        deleted = _delete_detections(handle, found)
    document: dict[str, object] = {"survey_id": survey, "detections": deleted}
    words = f"{with_unit(deleted, 'detection')} of {survey} deleted"
    show(document, as_json=as_json, text=lambda: click.echo(words))


@delete.command("camera")
@click.argument("survey")
@click.argument("camera_ids", metavar="CAMERA...", nargs=-1, required=True)
@yes_option
@data_option
@json_option
def delete_camera(
    *, survey: str, camera_ids: tuple[str, ...], yes: bool, directory: Path, as_json: bool
) -> None:
    """Delete cameras of a survey with their detections.

    The extent of the survey may change, and with it the scores.
    """
    with connect(directory) as spotted:
        handle = spotted.survey(survey)
        found = _present(camera_ids, {c.camera_id for c in handle.cameras()}, "camera", survey)
        leaving = frozenset(found)
        theirs = [d.detection_id for d in handle.detections() if d.camera_id in leaving]
        question = f"delete {_named(found, 'camera')} of survey {survey}"
        _confirm(f"{question}, with {with_unit(len(theirs), 'detection')}?", yes=yes)
        deleted = _delete_detections(handle, theirs)
        handle.delete_cameras(found)
    document: dict[str, object] = {"survey_id": survey, "cameras": len(found), "detections": deleted}
    words = f"{with_unit(len(found), 'camera')} and {with_unit(deleted, 'detection')} of {survey} deleted"
    show(document, as_json=as_json, text=lambda: click.echo(words))


@delete.command("survey")
@click.argument("survey")
@yes_option
@data_option
@json_option
def delete_survey(*, survey: str, yes: bool, directory: Path, as_json: bool) -> None:
    """Delete a survey with its cameras, detections and sessions. The imported files stay."""
    with connect(directory) as spotted:
        handle = spotted.survey(survey)
        info, sessions = handle.info(), sum(1 for _ in handle.sessions())
        contents = (
            f"{with_unit(info.camera_count, 'camera')}, {with_unit(info.detection_count, 'detection')} and "
            f"{with_unit(sessions, 'session')}"
        )
        _confirm(f"delete survey {survey} with {contents}? This cannot be undone.", yes=yes)
        handle.delete()
    forget(directory, survey)
    document: dict[str, object] = {
        "survey_id": survey,
        "cameras": info.camera_count,
        "detections": info.detection_count,
        "sessions": sessions,
    }
    show(document, as_json=as_json, text=lambda: click.echo(f"survey {survey} deleted: {contents}"))


def _present(ids: tuple[str, ...], stored: set[str], noun: str, survey: str) -> list[str]:
    """The given ids once each. Raises NotFoundError for the first that the survey does not have."""
    for unknown in (i for i in ids if i not in stored):
        raise NotFoundError(
            f"survey {survey!r} has no {noun} {unknown!r}; nothing was deleted, correct the id"
        )
    return list(dict.fromkeys(ids))


def _named(ids: list[str], noun: str) -> str:
    more = f" and {len(ids) - IDS_SHOWN} more" if len(ids) > IDS_SHOWN else ""
    return f"{with_unit(len(ids), noun)} ({', '.join(ids[:IDS_SHOWN])}{more})"


def _confirm(question: str, *, yes: bool) -> None:
    if not yes:
        # on stderr, so that --json prints one document
        click.confirm(question, abort=True, err=True)


def _delete_detections(handle: SurveyHandle, ids: list[str]) -> int:
    return sum(
        handle.delete_detections(ids[start : start + BLOCK]).deleted for start in range(0, len(ids), BLOCK)
    )
