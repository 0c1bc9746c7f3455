"""`spotted train-head | activate-head`: train an adaptation head, and score a survey through it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from spotted.cli.connection import connect
from spotted.client import OperationHandle
from spotted.client.values import OperationInfo, OperationState
from spotted.console import data_option, json_option, progress, show
from spotted.errors import PreconditionError
from spotted.heads.head import PAPER, HeadRecipe


@click.command("train-head")
@click.argument("survey")
@click.option("--paper", is_flag=True, help="Recipe of the Spotted paper, which counts the location twice.")
@click.option(
    "--epochs", default=0, type=click.IntRange(min=0), help="Passes over the survey. 0: the default, 300."
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Random seed.")
@click.option("--activate", is_flag=True, help="Score the survey through the head when it is trained.")
@data_option
@json_option
def train_head(
    *, survey: str, directory: Path, as_json: bool, paper: bool, epochs: int, seed: int, activate: bool
) -> None:
    """Train an adaptation head on the locations and times of a survey.

    It needs no identities. The training runs in the embedder and continues if you stop this command; run the
    command again to see that it is still running. `spotted evaluate SURVEY` shows the effect of an active
    head.
    """
    recipe = replace(PAPER if paper else HeadRecipe(), epochs=epochs, seed=seed)
    with connect(directory) as spotted:
        handle = spotted.survey(survey)
        ended = _watch(handle.train_head(recipe))
        if ended.state is not OperationState.SUCCEEDED:
            raise PreconditionError(f"training failed: {ended.message}")
        if activate:
            handle.activate_head(ended.result)
    document: dict[str, object] = {
        "survey_id": survey,
        "head_digest": ended.result,
        "active": activate,
        "metrics": dict(ended.metrics),
    }
    following = f"spotted evaluate {survey}" if activate else f"spotted activate-head {survey} {ended.result}"
    show(
        document,
        as_json=as_json,
        text=lambda: click.echo(f"head {ended.result[:12]}: {_figures(ended)}\nnext: {following}"),
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


def _figures(operation: OperationInfo) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {value:.4g}" for name, value in sorted(operation.metrics.items())
    )
