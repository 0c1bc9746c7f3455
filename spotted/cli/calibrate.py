"""`spotted calibrate`: learn match probabilities from answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from spotted.calibration.kinds import CalibrationKind
from spotted.cli.connection import connect
from spotted.client import SurveyHandle
from spotted.client.values import CalibrationFit
from spotted.console import data_option, err, json_option, show, with_unit
from spotted.constraints.answers import Answer

RANKS_BY = {
    CalibrationKind.STARTING: "ranks as by the product; its probabilities come from other surveys",
    CalibrationKind.PRODUCT: "ranks as by the product: on held-out individuals, all evidence did not beat it",
    CalibrationKind.EVIDENCE: "ranks by all evidence: on held-out individuals, it beat the product",
}


@click.command()
@click.argument("survey")
@click.option(
    "--session", "session_ids", multiple=True, help="Learn from the answers of this session; can be repeated."
)
@click.option("--known", is_flag=True, help="Also learn from the imported identities.")
@click.option("--off", is_flag=True, help="Deactivate the calibration.")
@data_option
@json_option
def calibrate(
    *, survey: str, directory: Path, as_json: bool, session_ids: tuple[str, ...], known: bool, off: bool
) -> None:
    """Learn match probabilities from answers.

    The probability is that two detections show the same animal. Afterwards, `spotted match SURVEY --fusion
    calibrated` ranks by it. Evidence that does not rank better than the product on held-out individuals is
    not used. Without --session and --known, and with too few answers, a survey starts with probabilities
    learned on other surveys. A calibration is valid only for its survey; fit it again after a change of the
    feasibility, extent or head.
    """
    if off and (session_ids or known):
        raise click.UsageError("--off cannot be combined with --session and --known; omit one of them")
    with connect(directory) as spotted:
        handle = spotted.survey(survey)
        if off:
            handle.activate_calibration("")
            show({"survey_id": survey}, as_json=as_json, text=lambda: click.echo("calibration is off"))
            return
        with err.status("fitting"):
            labels = [label for session_id in session_ids for label in _labels(handle, session_id)]
            fitted = handle.fit_calibration(labels, use_known_individuals=known)
    show(_document(survey, fitted), as_json=as_json, text=lambda: click.echo(_summary(survey, fitted)))


def _labels(survey: SurveyHandle, session_id: str) -> Iterator[tuple[str, str, bool]]:
    for label in survey.session(session_id).labels():
        if label.answer in {Answer.SAME, Answer.DIFFERENT}:
            yield label.first_detection_id, label.second_detection_id, label.answer is Answer.SAME


def _document(survey: str, fitted: CalibrationFit) -> dict[str, object]:
    return {
        "survey_id": survey,
        "calibration_digest": fitted.score_spec.calibration_digest,
        "reason": fitted.reason,
        "kind": fitted.kind.name.lower() if fitted.kind else "",
        "same_pairs": fitted.same_pairs,
        "different_pairs": fitted.different_pairs,
        "individuals": fitted.individuals,
        "held_out_error": fitted.held_out_error,
        "held_out_gain": fitted.held_out_gain,
    }


def _summary(survey: str, fitted: CalibrationFit) -> str:
    if fitted.kind is None:
        return fitted.reason
    digest = fitted.score_spec.calibration_digest[:12]
    lines = [f"calibration {digest} of {survey} {RANKS_BY[fitted.kind]}"]
    if fitted.held_out_gain is not None:
        lines[0] += f" ({100 * fitted.held_out_gain:+.1f} points of top-1)"
    if fitted.reason:
        lines.append(fitted.reason)
    else:
        lines.append(
            f"fitted to {fitted.same_pairs} same and {fitted.different_pairs} different pairs of "
            f"{with_unit(fitted.individuals, 'individual')}; error {fitted.held_out_error:.3f} on held-out "
            "individuals"
        )
    return "\n".join([*lines, f"next: spotted match {survey} --fusion calibrated"])
