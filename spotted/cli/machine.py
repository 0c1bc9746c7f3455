"""`spotted up | down | status`: this machine's store and services."""

from __future__ import annotations

from pathlib import Path

import click

from spotted import local
from spotted.cli.console import data_option, err, json_option, show, table
from spotted.client import Spotted
from spotted.errors import UnavailableError

DEVICES = ("cpu", "cuda", "tensorrt")
MODELS = Path(__file__).resolve().parents[2] / "models"


@click.command()
@data_option
@json_option
@click.option(
    "--port", default=local.DEFAULT_PORT, show_default=True, help="Store's port; the services follow. 0: any."
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
        run = local.up(
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
        stopped = local.down(directory)
    words = f"stopped {', '.join(stopped)}" if stopped else f"nothing was running in {directory}"
    show({"stopped": stopped}, as_json=as_json, text=lambda: click.echo(words))


@click.command()
@data_option
@json_option
def status(*, directory: Path, as_json: bool) -> None:
    """Show what runs and which surveys there are; exits 5 where something does not answer."""
    run = local.read(directory)
    members = run.members if run else ()
    states = {m.role: "answers" if local.answers(m) else _fault(m, directory) for m in members}
    healthy = bool(states) and all(state == "answers" for state in states.values())
    surveys = _surveys(directory) if healthy else []

    def text() -> None:
        rows = [(m.role, m.address, m.pid, states[m.role]) for m in members]
        table("processes", ("role", "address", "pid", "state"), rows)
        if healthy:
            rows_ = [(s["survey_id"], s["cameras"], s["detections"]) for s in surveys]
            table("surveys", ("survey", "cameras", "detections"), rows_)

    show({"processes": states, "surveys": surveys}, as_json=as_json, text=text)
    if not healthy:
        raise UnavailableError(f"not everything answers in {directory}; `spotted up` starts what is missing")


def _fault(member: local.Member, directory: Path) -> str:
    if member.process() is None:
        return f"has ended (log: {directory / member.role}.log)"
    return "runs, but does not serve; is the store there?"


def _surveys(directory: Path) -> list[dict[str, object]]:
    with Spotted.local(directory) as spotted:
        return [
            {"survey_id": s.survey_id, "cameras": s.camera_count, "detections": s.detection_count}
            for s in spotted.surveys()
        ]
