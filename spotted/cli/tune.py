"""`spotted tune-feasibility`: find the best decay or speed limit for a survey."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
from matplotlib.figure import Figure

from spotted.cli.connection import connect
from spotted.cli.sessions.known_names import known_names
from spotted.client.gallery import load_gallery
from spotted.console import data_option, err, json_option, progress, show, table
from spotted.evaluation.feasibility_tuning import (
    SettingMetrics,
    Tuning,
    choose_queries,
    decay_grid,
    tune,
    with_decays,
    with_speeds,
)
from spotted.reports import plots
from spotted.scoring.feasibility import FeasibilityParams

# sustained walking speeds in km/h, from a tortoise to a wild dog
SPEEDS_KMH = (1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 30.0)
SEED = 0
POSITIVE = click.FloatRange(min=0, min_open=True)


@click.command("tune-feasibility")
@click.argument("survey")
@click.option("--session", "session_id", default="", help="Take the individuals from this session's labels.")
@click.option(
    "--knob",
    type=click.Choice(["decay", "max-speed"]),
    default="decay",
    show_default=True,
    help="Parameter to vary.",
)
@click.option("--from", "low", default=0.05, show_default=True, type=POSITIVE, help="Smallest decay.")
@click.option("--to", "high", default=20.0, show_default=True, type=POSITIVE, help="Largest decay.")
@click.option(
    "--steps", default=13, show_default=True, type=click.IntRange(min=2), help="Number of decays to try."
)
@click.option(
    "--speed", "speeds", multiple=True, type=POSITIVE, help="Speed limit in km/h to try; can be repeated."
)
@click.option(
    "--queries",
    "most",
    default=2000,
    show_default=True,
    type=click.IntRange(min=1),
    help="Maximum number of query detections.",
)
@click.option(
    "--plot", type=click.Path(dir_okay=False, path_type=Path), help="PNG file to write the curve to."
)
@click.option("--apply", "apply_best", is_flag=True, help="Apply the best value if its gain is significant.")
@data_option
@json_option
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
    apply_best: bool,
) -> None:
    """Find the best decay (lambda) or speed limit for a survey.

    Each detection of an individual that is known from at least two detections is a query against all
    others, up to --queries of them. The gain of the best value has an interval over resampled individuals,
    because a few animals always favour some value by chance. Individuals from a --session were found with
    the current score and favour it; identities from another source are a better test.
    """
    with connect(directory) as spotted:
        handle = spotted.survey(survey)
        etag = handle.info().etag
        gallery, detections = load_gallery(handle)
        individuals = known_names(handle, session_id, detections, "nothing can be tuned")
        grid = (
            with_decays(gallery.params, decay_grid(low, high, steps))
            if knob == "decay"
            else with_speeds(gallery.params, speeds or SPEEDS_KMH)
        )
        rng = np.random.default_rng(SEED)
        queries = choose_queries(individuals, most, rng)
        with progress("values", len(grid)) as advance:
            tuning = tune(gallery, individuals, grid, queries=queries, rng=rng, on_progress=advance)
        changes = apply_best and tuning.gain.proven and tuning.best != tuning.present
        if changes:
            err.print(
                "note: every fused score of the survey changes: open sessions plan their rounds again, and "
                "the calibration must be fitted again",
                soft_wrap=True,
            )
            handle.update(feasibility=tuning.grid[tuning.best].params, etag=etag)
    if plot is not None:
        _curve(tuning, knob).savefig(plot, format="png", dpi=110)
    document = _document(survey, tuning, knob, applied=changes)

    def text() -> None:
        rows = [_row(tuning, index, knob) for index in range(len(tuning.grid))]
        columns = (knob, "top-1", "top-5", "top-20", "mAP", "")
        table(f"{survey}: {len(queries)} queries among {len(detections)} detections", columns, rows)
        click.echo(_verdict(tuning, knob, asked=apply_best, changes=changes))

    show(document, as_json=as_json, text=text)


def _value(params: FeasibilityParams, knob: str) -> float | None:
    return params.decay if knob == "decay" else params.max_speed_kmh


def _value_text(params: FeasibilityParams, knob: str) -> str:
    value = _value(params, knob)
    return "no limit" if value is None else f"{value:.3g}"


def _row(tuning: Tuning, index: int, knob: str) -> tuple[str, ...]:
    measured = tuning.grid[index]
    marks = [word for word, marked in (("current", tuning.present), ("best", tuning.best)) if index == marked]
    return (
        _value_text(measured.params, knob),
        *(f"{share:.3f}" for share in measured.top.values()),
        f"{measured.mean_average_precision:.3f}",
        ", ".join(marks),
    )


def _verdict(tuning: Tuning, knob: str, *, asked: bool, changes: bool) -> str:
    present, best = (_value_text(tuning.grid[i].params, knob) for i in (tuning.present, tuning.best))
    if tuning.best == tuning.present:
        return f"the current {knob} {present} is the best of the grid"
    gain = tuning.gain
    edge = ", at the edge of the grid: widen the grid" if tuning.best in (0, len(tuning.grid) - 1) else ""
    gained = (
        f"{knob} {best} gains {gain.gain:+.4f} mAP over {present} (95 % interval {gain.low:+.4f} to "
        f"{gain.high:+.4f}, {gain.individuals} individuals{edge})"
    )
    if not gain.proven:
        kept = f"; {present} was kept" if asked else ""
        return f"{gained}: not significant{kept}"
    return f"{gained}: {'applied' if changes else 'apply it with --apply'}"


def _document(survey: str, tuning: Tuning, knob: str, *, applied: bool) -> dict[str, object]:
    def one(measured: SettingMetrics) -> dict[str, object]:
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
    """Every measure over the knob, with the current value marked; "no limit" is left out."""
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
    axes.set(xscale="log", xlabel=f"{label}; dotted: current", ylabel="share")
    axes.legend(frameon=False)
    return figure
