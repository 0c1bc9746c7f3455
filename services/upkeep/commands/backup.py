"""`spotted backup`: back up surveys to files, and verify files."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from services.common import process
from services.common.store import keys
from services.common.store.store import Store
from services.upkeep.backup.catalogues import catalogue_ids, check_catalogue
from services.upkeep.backup.contents import Contents, read_contents
from services.upkeep.backup.directory import BackupRun, back_up_all, survey_ids
from services.upkeep.backup.object_store import Bucket, local_copy
from services.upkeep.backup.validation import check_events
from services.upkeep.backup.write import BackedUp, Backups
from services.upkeep.commands.store_option import (
    object_store_option,
    open_with_vectors,
    store_options,
    vectors_option,
)
from spotted.console import OTHER_FAILURE, err, json_option, show
from spotted.object_stores import is_url, read_settings


@click.command()
@click.argument("surveys", metavar="[SURVEY | FILE]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Back up all surveys and catalogues of the store.")
@click.option("--check", is_flag=True, help="Verify the given files and show their contents; write nothing.")
@click.option(
    "--output",
    "-o",
    help="File to write, or a directory or s3://BUCKET/PREFIX for one file per survey.",
)
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    default=None,
    help="Number of files to keep per survey, the newest; older ones are removed.",
)
@click.option(
    "--up-to-damage",
    is_flag=True,
    help="Back up damaged surveys too, up to the first damaged event of the survey and of each session.",
)
@object_store_option
@vectors_option
@store_options
@json_option
@click.pass_context
def backup(
    ctx: click.Context,
    *,
    surveys: tuple[str, ...],
    everything: bool,
    check: bool,
    output: str | None,
    keep: int | None,
    up_to_damage: bool,
    settings: Path | None,
    vector_blocks: str | None,
    url: str | None,
    directory: Path,
    as_json: bool,
) -> None:
    """Back up surveys with their sessions, heads and calibrations to files, while services run.

    A file has the survey as of one instant, and appears once it is complete; `spotted restore` restores it.
    In a directory or bucket, files are named by survey and time. A survey of an organisation is
    ORGANISATION/SURVEY, its catalogue ORGANISATION//catalogue.
    """
    if check:
        _require(bool(surveys) and not everything, "--check needs the files to verify")
        checked = {}
        for name in surveys:
            with local_copy(name, read_settings(settings)) as path:
                checked[name] = read_contents(path)
                catalogue = keys.catalogue_owner(checked[name].header.survey_id) is not None
                (check_catalogue if catalogue else check_events)(checked[name])
        _show_checked(checked, as_json=as_json)
        return
    _require(bool(surveys) != everything, "give the surveys to back up, or --all")
    if output is None:
        raise click.UsageError("give the file or directory to write with --output")
    bucket = Bucket(output, read_settings(settings)) if is_url(output) else None
    with open_with_vectors(url, directory, vector_blocks, settings) as store:
        if len(surveys) == 1 and not bucket and not Path(output).is_dir() and keep is None:
            with err.status(f"backing up {surveys[0]}"):
                done = Backups(store, now=process.now).back_up(
                    surveys[0], Path(output), up_to_damage=up_to_damage
                )
            _show(BackupRun([done]), as_json=as_json)
            return
        run = _back_up_many(
            store,
            surveys or [*survey_ids(store), *catalogue_ids(store)],
            bucket or Path(output),
            keep or 0,
            up_to_damage=up_to_damage,
            as_json=as_json,
        )
    if run.failed:
        ctx.exit(OTHER_FAILURE)


def _back_up_many(
    store: Store,
    surveys: Sequence[str],
    output: Bucket | Path,
    keep: int,
    *,
    up_to_damage: bool,
    as_json: bool,
) -> BackupRun:
    """Back up surveys to a bucket or directory, and show the progress and the result."""
    started_s = time.monotonic()
    with err.status("reading the store") as status, TemporaryDirectory(prefix="spotted-") as staging:

        def report(survey_id: str, done: int, total: int) -> None:
            status.update(f"{survey_id}: {done} of {total} events")

        bucket = output if isinstance(output, Bucket) else None
        place = output if isinstance(output, Path) else Path(staging)
        run = back_up_all(
            store,
            surveys,
            place,
            now=process.now,
            keep=keep,
            bucket=bucket,
            up_to_damage=up_to_damage,
            on_progress=report,
        )
    _show(run, as_json=as_json)
    if not as_json:
        size = sum(each.size_bytes for each in run.backed_up) / 1e6
        took_s = time.monotonic() - started_s
        click.echo(
            f"{len(run.backed_up)} of {len(surveys)} {_kinds(surveys)} backed up to "
            f"{bucket.url if bucket else place}: {size:.1f} MB in {took_s:.1f} s, "
            f"{len(run.removed)} older files removed"
        )
    return run


def _show(run: BackupRun, *, as_json: bool) -> None:
    document: dict[str, object] = {
        "backed_up": [_described(each) for each in run.backed_up],
        "failed": [{"survey_id": i, "reason": e.reason, "message": str(e)} for i, e in run.failed],
        "removed": run.removed,
    }

    def text() -> None:
        for each in run.backed_up:
            click.echo(
                f"{each.survey_id}: {each.events} events, {each.sessions} sessions, "
                f"{each.size_bytes / 1e6:.1f} MB in {each.output}"
            )
            if each.left_out:
                click.echo(
                    f"{each.survey_id} is damaged: {each.left_out} events from the damage on are not in "
                    f"{each.output}",
                    err=True,
                )
        for survey_id, error in run.failed:
            click.echo(f"{survey_id} failed: {error}", err=True)
        for each in run.backed_up:
            for digest in each.missing:
                click.echo(
                    f"{each.survey_id} refers to {digest}, which is not in the store, or damaged there",
                    err=True,
                )

    show(document, as_json=as_json, text=text)


def _named(survey_id: str) -> str:
    return survey_id if keys.catalogue_owner(survey_id) is not None else f"survey {survey_id}"


def _kinds(ids: Sequence[str]) -> str:
    only_surveys = all(keys.catalogue_owner(each) is None for each in ids)
    return "surveys" if only_surveys else "surveys and catalogues"


def _described(backed_up: BackedUp) -> dict[str, object]:
    return {
        "survey_id": backed_up.survey_id,
        "output": backed_up.output,
        "size_bytes": backed_up.size_bytes,
        "events": backed_up.events,
        "sessions": backed_up.sessions,
        "missing": list(backed_up.missing),
        "left_out": backed_up.left_out,
    }


def _show_checked(checked: Mapping[str, Contents], *, as_json: bool) -> None:
    document: dict[str, object] = {
        "checked": [
            {
                "file": name,
                "survey_id": each.header.survey_id,
                "create_time": each.header.create_time.ToJsonString(),
                "store_version": each.header.store_version,
                "events": sum(each.events.values()),
                "sessions": each.sessions,
                "heads": each.heads,
                "calibrations": each.calibrations,
            }
            for name, each in checked.items()
        ]
    }

    def text() -> None:
        for name, each in checked.items():
            click.echo(
                f"{name} is intact: {_named(each.header.survey_id)} as of "
                f"{each.header.create_time.ToJsonString()}, {sum(each.events.values())} events, "
                f"{each.sessions} sessions, {each.heads} heads, {each.calibrations} calibrations"
            )

    show(document, as_json=as_json, text=text)


def _require(condition: bool, usage: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not condition:
        raise click.UsageError(usage)
