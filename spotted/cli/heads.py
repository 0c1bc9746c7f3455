"""`spotted train-head | activate-head`: train an adaptation head, and score a survey through it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from spotted.cli.connection import connect
from spotted.cli.sessions.learned_names import read_learned
from spotted.client import OperationHandle
from spotted.client.values import OperationInfo, OperationState
from spotted.console import data_option, err, json_option, progress, show
from spotted.errors import PreconditionError
from spotted.heads.head import PAPER, HeadRecipe


@click.command("train-head")
@click.argument("survey")
@click.option(
    "--from-session",
    "session_id",
    default="",
    metavar="SESSION",
    help="Make the head from the individuals that this session found.",
)
@click.option("--known", is_flag=True, help="Make the head from the imported identities.")
@click.option("--paper", is_flag=True, help="Recipe of the Spotted paper, which counts the location twice.")
@click.option(
    "--epochs", default=0, type=click.IntRange(min=0), help="Passes over the survey. 0: the default, 300."
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Random seed.")
@click.option("--activate", is_flag=True, help="Score the survey through the head when it is trained.")
@data_option
@json_option
def train_head(
    *,
    survey: str,
    directory: Path,
    as_json: bool,
    session_id: str,
    known: bool,
    paper: bool,
    epochs: int,
    seed: int,
    activate: bool,
) -> None:
    """Train an adaptation head on the locations and times of a survey, or on known individuals.

    Locations and times need no identities. With --from-session or --known the head is made in seconds from
    the individuals that are known, without a GPU, and measured on individuals that it was not made from; with
    --activate it is used only if they are found more often. The training runs in the embedder and continues
    if you stop this command; run the command again to see that it is still running. `spotted evaluate SURVEY`
    shows the effect of an active head.
    """
    named = bool(session_id) or known
    if named and (paper or epochs or seed):
        raise click.UsageError(
            "--paper, --epochs and --seed are for heads from locations and times; omit them, or "
            "--from-session and --known"
        )
    with connect(directory) as spotted:
        handle = spotted.survey(survey)
        if named:
            learned = read_learned(handle, session_id) if session_id else None
            for note in learned.notes() if learned else ():
                err.print(f"note: {note}", markup=False, soft_wrap=True)
            operation = handle.make_head(learned.names if learned else {}, use_known_individuals=known)
        else:
            operation = handle.train_head(replace(PAPER if paper else HeadRecipe(), epochs=epochs, seed=seed))
        ended = _watch(operation)
        if ended.state is not OperationState.SUCCEEDED:
            raise PreconditionError(f"training failed: {ended.message}")
        # a head that does not gain is not switched on by itself
        active = activate and bool(ended.metrics.get("helps", 1.0))
        if active:
            handle.activate_head(ended.result)
    document: dict[str, object] = {
        "survey_id": survey,
        "head_digest": ended.result,
        "active": active,
        "metrics": dict(ended.metrics),
    }
    show(
        document,
        as_json=as_json,
        text=lambda: _print(survey, ended, named=named, wanted=activate, active=active),
    )


@click.command("activate-head")
@click.argument("survey")
@click.argument("digest", default="")
@data_option
@json_option
def activate_head(*, survey: str, digest: str, directory: Path, as_json: bool) -> None:
    """Score a survey through a stored head, or without a head.

    Without DIGEST, the base embeddings are scored. All scores of the survey change; fit its calibration
    again.
    """
    with connect(directory) as spotted:
        handle = spotted.survey(survey)
        before = handle.info().head_digest
        handle.activate_head(digest)
    words = f"{survey} now uses head {digest[:12]}" if digest else f"{survey} now uses base embeddings"
    undo = f"\nundo: spotted activate-head {survey} {before}".rstrip()
    document: dict[str, object] = {"survey_id": survey, "head_digest": digest, "before": before}
    show(document, as_json=as_json, text=lambda: click.echo(words + undo))


def _watch(operation: OperationHandle) -> OperationInfo:
    """Show the progress of an operation until it has ended; returns its last state."""
    done, state = 0, operation.info()
    with progress("training, %", 100) as advance:
        for state in operation.watch():
            percent = round(100 * state.progress)
            advance(percent - done)
            done = percent
    return state


def _print(survey: str, ended: OperationInfo, *, named: bool, wanted: bool, active: bool) -> None:
    """Show a head that was trained. wanted: whether it was to be activated; active: whether it was."""
    digest = ended.result
    click.echo(f"head {digest[:12]}: {ended.message.rpartition(';')[0] if named else _figures(ended)}")
    if wanted and not active:
        click.echo(
            "not activated, since it finds individuals that it was not made from no more often; to use it "
            f"all the same: spotted activate-head {survey} {digest}"
        )
    else:
        click.echo(
            f"next: spotted evaluate {survey}" if active else f"next: spotted activate-head {survey} {digest}"
        )


def _figures(operation: OperationInfo) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {value:.4g}" for name, value in sorted(operation.metrics.items())
    )
