"""`spotted backup`: surveys into files, and whether a file is well."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import click

from services.common import process
from services.common.store.store import Store
from services.upkeep.backup.contents import Contents, read_contents
from services.upkeep.backup.directory import Outcome, back_up_all, survey_ids
from services.upkeep.backup.write import BackedUp, Backups
from services.upkeep.commands.store_option import opened, store_options
from spotted.console import OTHER_FAILURE, err, json_option, show


@click.command()
@click.argument("surveys", metavar="[SURVEY | FILE]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every survey of the store.")
@click.option("--check", is_flag=True, help="Read the named files and say what they hold; write nothing.")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), help="File to write, or a directory for one a survey."
)
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    default=None,
    help="Files of each survey to keep; others are removed.",
)
@store_options
@json_option
@click.pass_context
def backup(
    ctx: click.Context,
    *,
    surveys: tuple[str, ...],
    everything: bool,
    check: bool,
    output: Path | None,
    keep: int | None,
    url: str | None,
    directory: Path,
    as_json: bool,
) -> None:
    """Write surveys with their sessions, heads and calibrations into files, while services go on.

    A file holds the survey as one instant had it. It is there once it is whole; `spotted restore` brings it
    back. In a directory it is named by survey and time. A survey of an organisation is ORGANISATION/SURVEY.
    """
    if check:
        _require(bool(surveys) and not everything, "--check takes the files to check")
        _show_checked([read_contents(Path(name)) for name in surveys], as_json=as_json)
        return
    _require(bool(surveys) != everything, "name the surveys, or give --all")
    if output is None:
        raise click.UsageError("name where to write to with --output")
    with opened(url, directory) as store:
        if len(surveys) == 1 and not output.is_dir() and keep is None:
            with err.status(f"backing up {surveys[0]}"):
                done = Backups(store, now=process.now).back_up(surveys[0], output)
            _show(Outcome([done]), as_json=as_json)
            return
        outcome = _many(store, surveys or survey_ids(store), output, keep or 0, as_json=as_json)
    if outcome.failed:
        ctx.exit(OTHER_FAILURE)


def _many(store: Store, wanted: Sequence[str], output: Path, keep: int, *, as_json: bool) -> Outcome:
    """Back up surveys into a directory, and tell how it goes."""
    started_s = time.monotonic()
    with err.status("looking at the store") as status:

        def told(survey_id: str, done: int, total: int) -> None:
            status.update(f"{survey_id}: {done} of {total} events")

        outcome = back_up_all(store, wanted, output, now=process.now, keep=keep, progress=told)
    _show(outcome, as_json=as_json)
    if not as_json:
        size = sum(each.size_bytes for each in outcome.backed_up) / 1e6
        took_s = time.monotonic() - started_s
        click.echo(
            f"{len(outcome.backed_up)} of {len(wanted)} surveys backed up to {output}: {size:.1f} MB in "
            f"{took_s:.1f} s, {len(outcome.removed)} older files removed"
        )
    return outcome


def _show(outcome: Outcome, *, as_json: bool) -> None:
    document: dict[str, object] = {
        "backed_up": [_described(each) for each in outcome.backed_up],
        "failed": [{"survey_id": i, "reason": e.reason, "message": str(e)} for i, e in outcome.failed],
        "removed": [str(path) for path in outcome.removed],
    }

    def text() -> None:
        for each in outcome.backed_up:
            click.echo(
                f"{each.survey_id}: {each.events} events, {each.sessions} sessions, "
                f"{each.size_bytes / 1e6:.1f} MB in {each.path}"
            )
        for survey_id, error in outcome.failed:
            click.echo(f"{survey_id} failed: {error}", err=True)
        for each in outcome.backed_up:
            for digest in each.missing:
                click.echo(f"{each.survey_id} names {digest}, which the store does not have", err=True)

    show(document, as_json=as_json, text=text)


def _described(backed_up: BackedUp) -> dict[str, object]:
    return {
        "survey_id": backed_up.survey_id,
        "output": str(backed_up.path),
        "size_bytes": backed_up.size_bytes,
        "events": backed_up.events,
        "sessions": backed_up.sessions,
        "missing": list(backed_up.missing),
    }


def _show_checked(checked: Sequence[Contents], *, as_json: bool) -> None:
    document: dict[str, object] = {
        "checked": [
            {
                "file": str(each.path),
                "survey_id": each.header.survey_id,
                "create_time": each.header.create_time.ToJsonString(),
                "store_version": each.header.store_version,
                "events": sum(each.events.values()),
                "sessions": each.sessions,
                "heads": each.heads,
                "calibrations": each.calibrations,
            }
            for each in checked
        ]
    }

    def text() -> None:
        for each in checked:
            click.echo(
                f"{each.path} is well: survey {each.header.survey_id} as of "
                f"{each.header.create_time.ToJsonString()}, {sum(each.events.values())} events, "
                f"{each.sessions} sessions, {each.heads} heads, {each.calibrations} calibrations"
            )

    show(document, as_json=as_json, text=text)


def _require(condition: bool, usage: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not condition:
        raise click.UsageError(usage)
