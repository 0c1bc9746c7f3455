"""`spotted match-marks`: match the local features of a survey."""

from __future__ import annotations

from pathlib import Path

import click

from spotted.cli.connection import connect
from spotted.client.values import OperationState
from spotted.console import data_option, json_option, progress, show, with_unit
from spotted.errors import PreconditionError


@click.command("match-marks")
@click.argument("survey")
@click.option(
    "--candidates",
    default=0,
    type=click.IntRange(0, 1000),
    help="Number of candidates that each detection is matched with. 0: 50, more with under 3,200 detections.",
)
@click.option("--renew", is_flag=True, help="Drop all local scores first and match every pair again.")
@data_option
@json_option
def match_marks(*, survey: str, directory: Path, as_json: bool, candidates: int, renew: bool) -> None:
    """Match marks of the coat between each detection and its best candidates.

    It needs the local features of `spotted embed --local`. Pairs that were matched before keep their scores.
    The matching runs in the scorer and continues if you stop this command; run the command again if it was
    interrupted, and it continues from there.
    """
    with connect(directory) as spotted:
        operation = spotted.survey(survey).match_local_features(candidates=candidates, renew=renew)
        done, state = 0, operation.info()
        with progress("pairs, %", 100) as advance:
            for state in operation.watch():
                percent = round(100 * state.progress)
                advance(percent - done)
                done = percent
        if state.state is not OperationState.SUCCEEDED:
            raise PreconditionError(f"matching ended early: {state.message}")
        total = spotted.survey(survey).info().local_pair_count
    document: dict[str, object] = {"survey_id": survey, "matched": int(state.result), "pairs": total}
    text = f"{with_unit(int(state.result), 'pair')} matched, {total} in all"
    following = f"next: spotted match {survey} --fusion local"
    show(document, as_json=as_json, text=lambda: click.echo(f"{text}\n{following}"))
