"""`spotted up | down | status`: this machine's store and services."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from spotted.client import Spotted
from spotted.console import data_option, err, json_option, show, table
from spotted.errors import UnavailableError
from spotted.local import diagnosis, processes

DEVICES = ("cpu", "cuda", "tensorrt")
MODELS = Path(__file__).resolve().parents[2] / "models"


@click.command()
@data_option
@json_option
@click.option(
    "--port",
    default=processes.DEFAULT_PORT,
    show_default=True,
    help="Store's port; the services follow. 0: any.",
)
@click.option(
    "--models",
    type=click.Path(file_okay=False, path_type=Path),
    default=MODELS,
    envvar="SPOTTED_MODELS",
    help="Directory of exported backbones; `make models` fills the default one.",
)
@click.option(
    "--backbone",
    "backbones",
    multiple=True,
    default=("efficientnet-lite0",),
    show_default=True,
    help="Backbone to load, the first as the default; may be repeated.",
)
@click.option("--device", type=click.Choice(DEVICES), default="cpu", show_default=True)
def up(
    *, directory: Path, as_json: bool, port: int, models: Path, backbones: tuple[str, ...], device: str
) -> None:
    """Start the store and the three services on loopback, or what of them is not running.

    Everything is kept in the data directory, on disk before any call is answered. The processes go on when
    the terminal is closed; `spotted down` stops them.
    """
    with err.status("starting") as status:
        run = processes.up(
            directory,
            port=port,
            environment={
                "SPOTTED_MODELS": str(models.resolve()),
                "SPOTTED_MODEL": ",".join(backbones),
                "SPOTTED_DEVICE": device,
            },
            say=status.update,
        )
    addresses = {member.role: member.address for member in run.members}

    def text() -> None:
        table("running", ("role", "address"), list(addresses.items()))
        click.echo("next: spotted import DIR   (a Camtrap DP directory)")

    show({"running": addresses, "data": str(directory)}, as_json=as_json, text=text)


@click.command()
@data_option
@json_option
def down(*, directory: Path, as_json: bool) -> None:
    """Stop what `spotted up` started; running calls may finish first. Nothing stored is lost."""
    with err.status("stopping"):
        stopped = processes.down(directory)
    words = f"stopped {', '.join(stopped)}" if stopped else f"nothing was running in {directory}"
    show({"stopped": stopped}, as_json=as_json, text=lambda: click.echo(words))


@click.command()
@data_option
@json_option
@click.option("--health", "probed", multiple=True, help="Health port of a service elsewhere; repeatable.")
@click.option("--metrics", "scraped", multiple=True, help="Its metrics (host:port), to look into.")
def status(*, directory: Path, as_json: bool, probed: tuple[str, ...], scraped: tuple[str, ...]) -> None:
    """Show what runs, what is wrong and what to do, and which surveys there are.

    Exits 5 where something does not answer. With --health or --metrics, services elsewhere are looked at
    instead of this machine's.
    """
    if probed or scraped:
        _show_elsewhere(probed, scraped, as_json=as_json)
        return
    run = processes.read(directory)
    members = run.members if run else ()
    states = {m.role: "answers" if processes.answers(m) else _fault(m, directory) for m in members}
    healthy = bool(states) and all(state == "answers" for state in states.values())
    surveys = _surveys(directory) if healthy else []
    findings = diagnosis.of_run(run) if run else []

    def text() -> None:
        rows = [(m.role, m.address, m.pid, states[m.role]) for m in members]
        table("processes", ("role", "address", "pid", "state"), rows)
        _tell(findings)
        if healthy:
            rows_ = [(s["survey_id"], s["cameras"], s["detections"]) for s in surveys]
            table("surveys", ("survey", "cameras", "detections"), rows_)

    told = {"processes": states, "surveys": surveys, "findings": [asdict(f) for f in findings]}
    show(told, as_json=as_json, text=text)
    if not healthy:
        raise UnavailableError(f"not everything answers in {directory}; `spotted up` starts what is missing")


def _show_elsewhere(probed: Sequence[str], scraped: Sequence[str], *, as_json: bool) -> None:
    unwell = [finding for address in probed for finding in diagnosis.of_health(address)]
    findings = unwell + [finding for address in scraped for finding in diagnosis.of_metrics(address, address)]
    show(
        {"findings": [asdict(finding) for finding in findings]},
        as_json=as_json,
        text=lambda: _tell(findings) if findings else click.echo("nothing is wrong there"),
    )
    if unwell:
        raise UnavailableError(f"{unwell[0].role} {unwell[0].fault}; {unwell[0].remedy}")


def _tell(findings: Sequence[diagnosis.Finding]) -> None:
    if findings:
        table(
            "what is wrong", ("where", "what", "what to do"), [(f.role, f.fault, f.remedy) for f in findings]
        )


def _fault(member: processes.Member, directory: Path) -> str:
    if member.process() is None:
        return f"has ended (log: {directory / member.role}.log)"
    return "runs, but does not serve; is the store there?"


def _surveys(directory: Path) -> list[dict[str, object]]:
    with Spotted.local(directory) as spotted:
        return [
            {"survey_id": s.survey_id, "cameras": s.camera_count, "detections": s.detection_count}
            for s in spotted.surveys()
        ]
