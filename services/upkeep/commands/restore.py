"""`spotted restore`: restore surveys from backup files."""

from __future__ import annotations

from pathlib import Path

import click

from services.common.rpc import checks
from services.upkeep.backup.object_store import local_copy
from services.upkeep.backup.restore import Restored, restore_survey
from services.upkeep.commands.store_option import (
    object_store_option,
    open_with_vectors,
    store_options,
    vectors_option,
)
from spotted.console import err, json_option, show
from spotted.object_stores import read_settings


@click.command("restore")
@click.argument("files", metavar="[FILE | URL]...", nargs=-1, required=True)
@click.option("--as", "survey", metavar="SURVEY", default="", help="Restore under this survey id.")
@click.option("--organisation", metavar="ORGANISATION", default="", help="Restore for this organisation.")
@click.option(
    "--over-damaged",
    is_flag=True,
    help="Replace a survey that is damaged in the store, or has a damaged session.",
)
@object_store_option
@vectors_option
@store_options
@json_option
def restore_files(
    *,
    files: tuple[str, ...],
    survey: str,
    organisation: str,
    over_damaged: bool,
    settings: Path | None,
    vector_blocks: str | None,
    url: str | None,
    directory: Path,
    as_json: bool,
) -> None:
    """Restore surveys from files of `spotted backup`, each completely or not at all.

    A file is verified before anything is stored. A survey that already exists with the same content is left
    as it is. A survey with other content is never changed: restore under another id with --as. A damaged
    survey is replaced only with --over-damaged; everything in it that is not in the file is then gone.
    """
    if survey and len(files) > 1:
        raise click.UsageError("--as takes one survey id; give one file")
    for value, option in ((survey, "--as"), (organisation, "--organisation")):
        if value:
            checks.slug(value, option)
    done: list[Restored] = []
    try:
        with (
            open_with_vectors(url, directory, vector_blocks, settings) as store,
            err.status("verifying") as status,
        ):
            for file in files:

                def report(events: int, total: int, file: str = file) -> None:
                    status.update(f"{Path(file).name}: {events} of {total} events")

                with local_copy(file, read_settings(settings)) as path:
                    done.append(
                        restore_survey(
                            store,
                            path,
                            survey=survey,
                            organisation=organisation,
                            over_damaged=over_damaged,
                            on_progress=report,
                        )
                    )
    finally:
        # if a file fails, the files before it are restored nevertheless
        _show(done, as_json=as_json)


def _show(done: list[Restored], *, as_json: bool) -> None:
    document: dict[str, object] = {
        "restored": [
            {
                "survey_id": each.survey_id,
                "events": each.events,
                "sessions": each.sessions,
                "unchanged": each.unchanged,
            }
            for each in done
        ]
    }

    def text() -> None:
        for each in done:
            result = "already exists with the same" if each.unchanged else "restored:"
            click.echo(f"{each.survey_id} {result} {each.events} events, {each.sessions} sessions")

    show(document, as_json=as_json, text=text)
