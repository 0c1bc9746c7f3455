"""`spotted calibrate`: learn match probabilities from answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from spotted.cli.connection import connect
from spotted.client import Spotted
from spotted.console import data_option, err, json_option, show, with_unit
from spotted.v1 import sampler_pb2, scorer_pb2

SAID = {sampler_pb2.ANSWER_SAME: True, sampler_pb2.ANSWER_DIFFERENT: False}


@click.command()
@click.argument("survey")
@data_option
@json_option
@click.option(
    "--session", "session_ids", multiple=True, help="Learn from the answers of this session; can be repeated."
)
@click.option("--known", is_flag=True, help="Also learn from the imported identities.")
@click.option("--off", is_flag=True, help="Deactivate the calibration.")
def calibrate(
    *, survey: str, directory: Path, as_json: bool, session_ids: tuple[str, ...], known: bool, off: bool
) -> None:
    """Learn from answers the probability that two detections show the same animal.

    Afterwards, `spotted match SURVEY --fusion calibrated` ranks by that probability. A calibration is valid
    only for its survey; fit it again after a change of the feasibility, extent or head.
    """
    if off == bool(session_ids or known):
        raise click.UsageError("choose the labels: --session ID, --known or both; or use --off")
    with connect(directory) as spotted:
        if off:
            spotted.activate_calibration(survey, "")
            show({"survey_id": survey}, as_json=as_json, text=lambda: click.echo("calibration is off"))
            return
        with err.status("fitting"):
            labels = [label for one in session_ids for label in _labels(spotted, survey, one)]
            fitted = spotted.fit_calibration(survey, labels, use_known_individuals=known)
    show(_document(survey, fitted), as_json=as_json, text=lambda: click.echo(_words(survey, fitted)))


def _labels(spotted: Spotted, survey: str, session_id: str) -> Iterator[tuple[str, str, bool]]:
    for label in spotted.labels(survey, session_id):
        if label.answer in SAID:
            yield label.first_detection_id, label.second_detection_id, SAID[label.answer]


def _document(survey: str, fitted: scorer_pb2.FitCalibrationResponse) -> dict[str, object]:
    return {
        "survey_id": survey,
        "calibration_digest": fitted.score_spec.calibration_digest,
        "reason": fitted.reason,
        "same_pairs": fitted.same_pairs,
        "different_pairs": fitted.different_pairs,
        "individuals": fitted.individuals,
        "held_out_error": fitted.held_out_error,
    }


def _words(survey: str, fitted: scorer_pb2.FitCalibrationResponse) -> str:
    if fitted.reason:
        return fitted.reason
    return (
        f"calibration {fitted.score_spec.calibration_digest[:12]} of {survey}: fitted on "
        f"{fitted.same_pairs} same and {fitted.different_pairs} different pairs of "
        f"{with_unit(fitted.individuals, 'individual')}; error {fitted.held_out_error:.3f} on held-out "
        f"individuals\n"
        f"next: spotted match {survey} --fusion calibrated"
    )
