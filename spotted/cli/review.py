"""`spotted review`: the questions of a session in the browser."""

from __future__ import annotations

import getpass
from pathlib import Path

import click

from spotted.cli.connection import connect_here, is_remote
from spotted.cli.embed import embed
from spotted.cli.import_ import import_survey
from spotted.cli.machine import up, without_page
from spotted.cli.sessions.settings import SessionSettings
from spotted.client import Spotted
from spotted.console import data_option, err, goes_on, json_option, session_option, show
from spotted.errors import InvalidInputError, NotFoundError, PreconditionError
from spotted.formats.sources import recall
from spotted.local import health, processes, review_keys, review_page
from spotted.local.review_keys import Opened


@click.command()
@click.argument("survey")
@session_option
@click.option("--annotator", default=getpass.getuser, show_default="your login", help="Annotator id.")
@click.option(
    "--browser/--no-browser", default=True, show_default=True, help="Open the page in your browser."
)
@click.option("--port", type=click.IntRange(1, 65_535), help="Port of the page, if it does not run yet.")
@data_option
@json_option
@click.pass_context
def review(
    ctx: click.Context,
    *,
    survey: str,
    session_id: str,
    annotator: str,
    browser: bool,
    port: int | None,
    directory: Path,
    as_json: bool,
) -> None:
    """Answer in the browser, where both photographs are shown; also begins from a folder.

    SURVEY is the id of a survey, or a file or folder to import: `spotted review DIR` starts what does not
    run, imports and embeds, and opens the first question. The printed address opens the page once, within
    ten minutes; it is for this machine only. The page goes on running until `spotted down`.
    """
    if is_remote():
        raise click.UsageError(
            "the review page of services on other machines has an address of its own; ask their operator"
        )
    goes_on(ctx)
    if lacking := review_page.missing_packages():
        raise PreconditionError(without_page(lacking))
    if not Path(survey).exists():
        _require_known(survey, directory)
    page = _started(ctx, directory, port)
    with connect_here(directory) as spotted:
        survey_id = _imported(ctx, spotted, survey, directory)
        if not spotted.survey(survey_id).info().detection_count:
            ctx.invoke(embed, survey=survey_id, directory=directory)
        SessionSettings().open(spotted.survey(survey_id), session_id)
    key = review_keys.make(directory, Opened(annotator, survey_id, session_id))
    address = f"http://{page.address}/#k={key}"
    document = {"address": address, "survey_id": survey_id, "session_id": session_id, "annotator": annotator}
    show(
        document, as_json=as_json, text=lambda: click.echo(f"review page: {address}\nend with: spotted down")
    )
    if browser and click.launch(address):
        err.print("No browser could be opened; open the address in one on this machine.")


def _require_known(survey: str, directory: Path) -> None:
    """Raise NotFoundError for a survey that is not there, before anything is started."""
    run = processes.read(directory)
    scorer = run.member("scorer") if run else None
    if scorer is None or not health.accepts(scorer.address):
        try:
            recall(directory, survey)
        except NotFoundError as error:
            raise NotFoundError(
                f"{survey!r} is neither a file or folder nor a survey that was imported into {directory}; "
                "give the folder of your photographs, or run `spotted up` and then `spotted list`"
            ) from error
        return
    with connect_here(directory) as spotted:
        _existing(spotted, survey)


def _existing(spotted: Spotted, survey: str) -> str:
    """The id of a survey. Raises NotFoundError, also for a text that cannot be an id."""
    try:
        return spotted.survey(survey).info().survey_id
    except (NotFoundError, InvalidInputError) as error:
        raise NotFoundError(
            f"{survey!r} is neither a survey nor a file or folder; `spotted list` shows the surveys, and a "
            "new one begins with the folder of your photographs"
        ) from error


def _started(ctx: click.Context, directory: Path, port: int | None) -> processes.Member:
    """The review page; starts what does not run."""
    run = processes.read(directory)
    running = {member.role for member in run.members if member.process()} if run else set()
    if not running.issuperset(processes.ROLES):
        ctx.invoke(up, directory=directory)
    with err.status("starting the review page"):
        run = processes.up(directory, with_page=True, page_port=port)
    page = run.member(review_page.ROLE)
    if page is None:
        raise PreconditionError(f"the review page was not started; see {directory / 'review.log'}")
    if port and page.port != port:
        err.print(f"The page runs at port {page.port} already; --port has no effect.")
    return page


def _imported(ctx: click.Context, spotted: Spotted, survey: str, directory: Path) -> str:
    """The id of a survey; a file or folder of this name is imported if there is no such survey."""
    try:
        return _existing(spotted, survey)
    except NotFoundError:
        if not Path(survey).exists():
            raise
    imported: str = ctx.invoke(import_survey, package=Path(survey), directory=directory)
    return imported
