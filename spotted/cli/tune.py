"""`spotted tune-feasibility`: which decay, or which speed limit, finds a survey's animals best."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
from google.protobuf import field_mask_pb2
from matplotlib.figure import Figure

from spotted import messages
from spotted.cli.connection import connected
from spotted.client import Spotted
from spotted.client.calls import our_errors
from spotted.client.connection import CALL_TIMEOUT_S, request_id
from spotted.client.gallery import load_gallery
from spotted.console import data_option, err, json_option, progress, show, table
from spotted.counting import same_pairs
from spotted.errors import PreconditionError
from spotted.evaluation.feasibility_tuning import (
    Measured,
    Tuning,
    decays,
    queries_of,
    tune,
    with_decays,
    with_speeds,
)
from spotted.reports import plots
from spotted.scoring.feasibility import FeasibilityParams
from spotted.survey import Detection
from spotted.v1 import scorer_pb2, survey_pb2

# km/h that a walking animal may keep up, from a tortoise's to a wild dog's
SPEEDS_KMH = (1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 30.0)
SEED = 0
POSITIVE = click.FloatRange(min=0, min_open=True)


@click.command("tune-feasibility")
@click.argument("survey")
@data_option
@json_option
@click.option("--session", "session_id", default="", help="Take the individuals of this session's labels.")
@click.option(
    "--knob",
    type=click.Choice(["decay", "max-speed"]),
    default="decay",
    show_default=True,
    help="What to vary.",
)
@click.option("--from", "low", default=0.05, show_default=True, type=POSITIVE, help="Least decay.")
@click.option("--to", "high", default=20.0, show_default=True, type=POSITIVE, help="Greatest decay.")
@click.option("--steps", default=13, show_default=True, type=click.IntRange(min=2), help="Decays tried.")
@click.option(
    "--speed", "speeds", multiple=True, type=POSITIVE, help="Limit in km/h to try; may be repeated."
)
@click.option(
    "--queries",
    "most",
    default=2000,
    show_default=True,
    type=click.IntRange(min=1),
    help="Most detections that ask.",
)
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Write the curve as PNG.")
@click.option("--apply", "applied", is_flag=True, help="Set the best value, where its gain is proven.")
def tune_feasibility(
    *,
    survey: str,
    directory: Path,
    as_json: bool,
    session_id: str,
    knob: str,
    low: float,
    high: float,
    steps: int,
    speeds: tuple[float, ...],
    most: int,
    plot: Path | None,
    applied: bool,
) -> None:
    """Try values of lambda (decay), or of the speed limit, on the identities that a survey knows.

    Every detection whose individual is known and has another detection asks for it among all others,
    --queries of them at most. The gain of the best value comes with an interval over resampled individuals,
    since a few animals always prefer some value by luck. Individuals of a --session were found through the
    present score, so they speak for it; identities from elsewhere are the better judge.
    """
    with connected(directory) as spotted:
        stored = spotted.survey(survey)
        gallery, detections = load_gallery(spotted, survey)
        individuals = _individuals(spotted, survey, session_id, detections)
        grid = (
            with_decays(gallery.params, decays(low, high, steps))
            if knob == "decay"
            else with_speeds(gallery.params, speeds or SPEEDS_KMH)
        )
        rng = np.random.default_rng(SEED)
        queries = queries_of(individuals, most, rng)
        with progress("values", len(grid)) as advance:
            tuning = tune(gallery, individuals, grid, queries=queries, rng=rng, told=advance)
        changes = applied and tuning.gain.proven and tuning.best != tuning.present
        if changes:
            err.print(
                "note: every fused score of the survey changes: open sessions plan their rounds anew, and a "
                "calibration must be fitted again",
                soft_wrap=True,
            )
            _apply(spotted, stored, tuning.grid[tuning.best].params)
    if plot is not None:
        _curve(tuning, knob).savefig(plot, format="png", dpi=110)
    document = _document(survey, tuning, knob, applied=changes)

    def text() -> None:
        rows = [_row(tuning, place, knob) for place in range(len(tuning.grid))]
        columns = (knob, "top-1", "top-5", "top-20", "mAP", "")
        table(f"{survey}: {len(queries)} queries among {len(detections)} detections", columns, rows)
        click.echo(_verdict(tuning, knob, asked=applied, changes=changes))

    show(document, as_json=as_json, text=text)


def _individuals(
    spotted: Spotted, survey: str, session_id: str, detections: Sequence[Detection]
) -> list[str]:
    """Known identity of each row, "" where unknown. Raises PreconditionError where no two rows share one."""
    if session_id:
        known = {
            detection_id: one.individual_id
            for one in spotted.individuals(survey, session_id)
            for detection_id in one.detection_ids
        }
        individuals = [known.get(d.detection_id, "") for d in detections]
        remedy = f"answer questions with `spotted annotate {survey} --session {session_id}` first"
    else:
        individuals = [d.individual_id for d in detections]
        remedy = "import a survey whose observations have individualID, or name a labelled --session"
    if not same_pairs(individuals):
        raise PreconditionError(
            f"no individual of {survey!r} is known from two detections, so nothing can be tuned; {remedy}"
        )
    return individuals


def _apply(spotted: Spotted, stored: survey_pb2.Survey, params: FeasibilityParams) -> None:
    """Set a survey's feasibility. Raises ConcurrencyError where its fields changed since it was read."""
    request = scorer_pb2.UpdateSurveyRequest(
        survey=survey_pb2.Survey(
            survey_id=stored.survey_id, feasibility=messages.feasibility_message(params), etag=stored.etag
        ),
        update_mask=field_mask_pb2.FieldMask(paths=["feasibility"]),
        request_id=request_id(),
    )
    with our_errors("scorer"):
        spotted.scorer.UpdateSurvey(request, timeout=CALL_TIMEOUT_S)


def _value(params: FeasibilityParams, knob: str) -> float | None:
    return params.decay if knob == "decay" else params.max_speed_kmh


def _words(params: FeasibilityParams, knob: str) -> str:
    value = _value(params, knob)
    return "no limit" if value is None else f"{value:.3g}"


def _row(tuning: Tuning, place: int, knob: str) -> tuple[str, ...]:
    measured = tuning.grid[place]
    marks = [word for word, marked in (("present", tuning.present), ("best", tuning.best)) if place == marked]
    return (
        _words(measured.params, knob),
        *(f"{share:.3f}" for share in measured.top.values()),
        f"{measured.mean_average_precision:.3f}",
        ", ".join(marks),
    )


def _verdict(tuning: Tuning, knob: str, *, asked: bool, changes: bool) -> str:
    present, best = (_words(tuning.grid[i].params, knob) for i in (tuning.present, tuning.best))
    if tuning.best == tuning.present:
        return f"the present {knob} of {present} is the best of the grid"
    gain = tuning.gain
    edge = ", at the edge of the grid: try beyond it" if tuning.best in (0, len(tuning.grid) - 1) else ""
    told = (
        f"{knob} {best} gains {gain.gain:+.4f} mAP over {present} (95 % interval {gain.low:+.4f} to "
        f"{gain.high:+.4f}, {gain.individuals} individuals{edge})"
    )
    if not gain.proven:
        kept = f"; {present} is kept" if asked else ""
        return f"{told}: not more than noise{kept}"
    return f"{told}: {'set' if changes else 'set it with --apply'}"


def _document(survey: str, tuning: Tuning, knob: str, *, applied: bool) -> dict[str, object]:
    def one(measured: Measured) -> dict[str, object]:
        return {
            "value": _value(measured.params, knob),
            "top": measured.top,
            "mean_average_precision": measured.mean_average_precision,
        }

    gain = tuning.gain
    return {
        "survey_id": survey,
        "knob": knob,
        "queries": len(tuning.queries),
        "grid": [one(measured) for measured in tuning.grid],
        "present": _value(tuning.grid[tuning.present].params, knob),
        "best": _value(tuning.grid[tuning.best].params, knob),
        "gain": {"mean": gain.gain, "low": gain.low, "high": gain.high, "individuals": gain.individuals},
        "proven": gain.proven,
        "applied": applied,
    }


def _curve(tuning: Tuning, knob: str) -> Figure:
    """Every measure over the knob, the present value marked; no limit is left out."""
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axes = figure.add_subplot()
    known = [(_value(m.params, knob), m) for m in tuning.grid]
    values = [value for value, _ in known if value is not None]
    shown = [m for value, m in known if value is not None]
    measures = {f"top-{k}": [m.top[k] for m in shown] for k in shown[0].top}
    measures["mAP"] = [m.mean_average_precision for m in shown]
    for (measure, shares), colour in zip(measures.items(), plots.COLOURS, strict=False):
        axes.plot(values, shares, "o-", label=measure, color=colour, markersize=3)
    present = _value(tuning.grid[tuning.present].params, knob)
    if present is not None:
        axes.axvline(present, color=plots.PLAIN, linewidth=0.8, linestyle=":")
    label = "decay (lambda)" if knob == "decay" else "speed limit, km/h"
    axes.set(xscale="log", xlabel=f"{label}; dotted: present", ylabel="share")
    axes.legend(frameon=False)
    return figure
