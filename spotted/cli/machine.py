"""`spotted up | down | status`: the processes of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from spotted.cli.connection import connect_here
from spotted.console import data_option, err, json_option, next_step, show, table
from spotted.errors import SpottedError, UnavailableError
from spotted.local import append_only, diagnosis, processes, review_page
from spotted.local.models import DEFAULT_BACKBONE, models_directory, prepare
from spotted.local.platforms import check_platform
from spotted.local.ports import DEFAULT_PORT

DEVICES = ("cpu", "cuda", "tensorrt")
OK = "answers"
IMPORT = "spotted import DIR   (DIR: a folder of photographs, a Camtrap DP directory, a table ...)"
# surveys that a hint names
MOST_NAMED = 5


@click.command()
@click.option(
    "--port",
    type=int,
    help=(
        "Port of the store; the services and the review page use the next four. 0: any free ports. Default: "
        f"those of the last run, at first {DEFAULT_PORT}."
    ),
)
@click.option(
    "--models",
    type=click.Path(file_okay=False, path_type=Path),
    default=models_directory,
    envvar="SPOTTED_MODELS",
    show_default="models of the checkout, or ~/.local/share/spotted/models",
    help="Directory of exported backbones.",
)
@click.option(
    "--backbone",
    "backbones",
    multiple=True,
    default=(DEFAULT_BACKBONE,),
    show_default=True,
    help="Backbone to load; can be repeated, the first one is the default.",
)
@click.option(
    "--device", type=click.Choice(DEVICES), default="cpu", show_default=True, help="Device of the embedder."
)
@click.option(
    "--segmenter",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar="SPOTTED_SEGMENTER",
    help="Directory of a segmenter of `spotted export-segmenter`, for `spotted embed --segment`.",
)
@click.option(
    "--take-over",
    is_flag=True,
    help="Start although another machine is recorded as running the store, if it certainly no longer does.",
)
@click.option(
    "--accept-loss", is_flag=True, help="Start although files of the store are shorter than they were left."
)
@click.option(
    "--review/--no-review",
    "with_page",
    default=True,
    show_default=True,
    help="Start the review page as well, if it is installed.",
)
@data_option
@json_option
def up(
    *,
    directory: Path,
    as_json: bool,
    port: int | None,
    models: Path,
    backbones: tuple[str, ...],
    device: str,
    segmenter: Path | None,
    take_over: bool,
    accept_loss: bool,
    with_page: bool,
) -> None:
    """Start the store, the three services and the review page on this machine.

    Processes that already run are not restarted. Everything is stored in the data directory, on disk before
    any call is answered. The processes keep running after the terminal is closed; `spotted down` stops them.
    The default backbone comes with Spotted; others have to be exported.
    """
    check_platform()
    ran = processes.read(directory)
    lacking = review_page.missing_packages() if with_page else []
    with err.status("starting") as status:
        prepare(models, backbones, say=status.update)
        run = processes.up(
            directory,
            port=port,
            take_over=take_over,
            accept_loss=accept_loss,
            environment={
                "SPOTTED_MODELS": str(models.resolve()),
                "SPOTTED_MODEL": ",".join(backbones),
                "SPOTTED_DEVICE": device,
            }
            | ({"SPOTTED_SEGMENTER": str(segmenter.resolve())} if segmenter else {}),
            say=status.update,
            with_page=with_page and not lacking,
        )
    addresses = {member.role: member.address for member in run.members}
    warnings = _warnings(run, ran, port) + ([without_page(lacking)] if lacking else [])

    def text() -> None:
        table("running processes", ("role", "address"), list(addresses.items()))
        next_step(_following(directory))

    for warning in warnings:
        err.print(f"warning: {warning}", markup=False, soft_wrap=True)
    document = {"running": addresses, "data": str(directory), "warnings": warnings}
    show(document, as_json=as_json, text=text)


@click.command()
@data_option
@json_option
def down(*, directory: Path, as_json: bool) -> None:
    """Stop the store and the services that `spotted up` started.

    Running calls can finish first. No stored data is lost.
    """
    with err.status("stopping"):
        stopped = processes.down(directory)
    words = f"stopped {', '.join(stopped)}" if stopped else f"no process was running in {directory}"
    show({"stopped": stopped}, as_json=as_json, text=lambda: click.echo(words))


@click.command()
@click.option(
    "--health",
    "probed",
    multiple=True,
    help="Health address (host:port) of a service on another machine; can be repeated.",
)
@click.option(
    "--metrics",
    "scraped",
    multiple=True,
    help="Metrics address (host:port) of a service on another machine; can be repeated.",
)
@click.option(
    "--sessions",
    "with_sessions",
    is_flag=True,
    help="Look for damage in sessions too; reads those that are not in memory.",
)
@data_option
@json_option
def status(
    *,
    directory: Path,
    as_json: bool,
    probed: tuple[str, ...],
    scraped: tuple[str, ...],
    with_sessions: bool,
) -> None:
    """Show running processes, problems with remedies, and surveys.

    Exits with 5 if a process does not answer. --health and --metrics check services on other machines
    instead of those on this machine.
    """
    if probed or scraped:
        _show_elsewhere(probed, scraped, as_json=as_json)
        return
    run = processes.read(directory)
    members = run.members if run else ()
    states = {m.role: OK if processes.answers(m) else _fault(m, directory) for m in members}
    healthy = bool(states) and all(state == OK for state in states.values())
    surveys, damaged = _surveys(directory, with_sessions=with_sessions) if healthy else ([], [])
    findings = diagnosis.of_run(run) if run else []

    def text() -> None:
        rows = [(m.role, m.address, m.pid, states[m.role]) for m in members]
        if rows:
            table("processes", ("role", "address", "pid", "state"), rows)
        _print_findings(findings)
        if healthy:
            counts = [(s["survey_id"], s["cameras"], s["detections"]) for s in surveys]
            table("surveys", ("survey", "cameras", "detections"), counts)
        for damage in damaged:
            click.echo(damage)

    document = {
        "processes": states,
        "surveys": surveys,
        "damaged": damaged,
        "findings": [asdict(f) for f in findings],
    }
    show(document, as_json=as_json, text=text)
    if not members:
        raise UnavailableError(f"no services were started in {directory}; run `spotted up` first")
    if not healthy:
        raise UnavailableError(
            f"some processes of {directory} do not answer; `spotted up` starts those that are missing"
        )


def _following(directory: Path) -> str:
    """The command to run next: what the surveys that are there need."""
    try:
        with connect_here(directory) as spotted:
            surveys = [one for one in spotted.surveys() if not one.damage]
    except SpottedError:
        # the services run; whoever may not list surveys can import one
        surveys = []
    if not surveys:
        return IMPORT
    if len(surveys) > 1:
        return f"spotted review SURVEY   (SURVEY: {', '.join(one.survey_id for one in surveys[:MOST_NAMED])})"
    command = "review" if surveys[0].detection_count else "embed"
    return f"spotted {command} {surveys[0].survey_id}"


def without_page(lacking: Sequence[str]) -> str:
    """Why the review page is not started, and the remedy."""
    return f"the review page needs {', '.join(lacking)}; install it with {review_page.INSTALL}"


def _warnings(run: processes.LocalRun, ran: processes.LocalRun | None, port: int | None) -> list[str]:
    """Warnings for the user of `up`. run: the processes now. ran: those before, some of them running."""
    store = run.member("store")
    warnings = []
    if port and store and store.port != port:
        warnings.append(
            f"--port {port} has no effect while processes run; the store keeps port {store.port}. To change "
            "ports, use `spotted down` first"
        )
    if store and (ran is None or store not in ran.members):
        dropped = append_only.dropped(run.directory / "store.log")
        warnings += [f"the store {dropped}; {append_only.REMEDY}"] if dropped else []
    return warnings


def _show_elsewhere(probed: Sequence[str], scraped: Sequence[str], *, as_json: bool) -> None:
    unhealthy = [finding for address in probed for finding in diagnosis.of_health(address)]
    findings = unhealthy + [
        finding for address in scraped for finding in diagnosis.of_metrics(address, address)
    ]
    show(
        {"findings": [asdict(finding) for finding in findings]},
        as_json=as_json,
        text=lambda: _print_findings(findings) if findings else click.echo("no problems found"),
    )
    if unhealthy:
        raise UnavailableError(f"{unhealthy[0].role} {unhealthy[0].fault}; {unhealthy[0].remedy}")


def _print_findings(findings: Sequence[diagnosis.Finding]) -> None:
    if findings:
        table("problems", ("process", "problem", "remedy"), [(f.role, f.fault, f.remedy) for f in findings])


def _fault(member: processes.Member, directory: Path) -> str:
    if member.process() is None:
        return f"ended (log: {directory / member.role}.log)"
    return "runs but does not answer; check the store"


def _surveys(directory: Path, *, with_sessions: bool) -> tuple[list[dict[str, object]], list[str]]:
    """The surveys, and how surveys and sessions are damaged, with the remedies."""
    with connect_here(directory) as spotted:
        found = list(spotted.surveys())
        damaged = [survey.damage for survey in found if survey.damage]
        if with_sessions:
            sessions = (session for each in found for session in spotted.survey(each.survey_id).sessions())
            damaged += [session.damage for session in sessions if session.damage]
        counts: list[dict[str, object]] = [
            {"survey_id": s.survey_id, "cameras": s.camera_count, "detections": s.detection_count}
            for s in found
            if not s.damage
        ]
        return counts, damaged
