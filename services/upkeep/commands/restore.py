"""`spotted restore`: surveys back from files."""

from __future__ import annotations

from pathlib import Path

import click

from services.common.rpc import checks
from services.upkeep.backup.restore import Restored, restore_survey
from services.upkeep.commands.store_option import opened, store_options
from spotted.console import err, json_option, show


@click.command("restore")
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path)
)
@click.option("--as", "survey", metavar="SURVEY", default="", help="Restore under this id instead.")
@click.option(
    "--organisation", metavar="ORGANISATION", default="", help="Restore for this organisation instead."
)
@store_options
@json_option
def restore_files(
    *,
    files: tuple[Path, ...],
    survey: str,
    organisation: str,
    url: str | None,
    directory: Path,
    as_json: bool,
) -> None:
    """Bring surveys back from files of `spotted backup`, each of them whole or not at all.

    A file is checked to its end before anything is stored. A survey that is there with the same content
    stays as it is; one with other content is never touched: restore beside it with --as.
    """
    if survey and len(files) > 1:
        raise click.UsageError("--as names one survey, so give one file")
    for value, option in ((survey, "--as"), (organisation, "--organisation")):
        if value:
            checks.slug(value, option)
    done: list[Restored] = []
    try:
        with opened(url, directory) as store, err.status("checking") as status:
            for file in files:

                def told(events: int, total: int, file: Path = file) -> None:
                    status.update(f"{file.name}: {events} of {total} events")

                done.append(
                    restore_survey(store, file, survey=survey, organisation=organisation, progress=told)
                )
    finally:
        # where one file fails, those before it are restored all the same
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
            what = "is there already, with the same" if each.unchanged else "restored:"
            click.echo(f"{each.survey_id} {what} {each.events} events, {each.sessions} sessions")

    show(document, as_json=as_json, text=text)
