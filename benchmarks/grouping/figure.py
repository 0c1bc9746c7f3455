"""The curves of several surveys side by side, as the paper's figure 4, and the same as tables."""

from __future__ import annotations

import io
from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.common.tables import grid, shown
from benchmarks.grouping.curves import Curve, Curves
from spotted.evaluation.bootstrap import Interval
from spotted.evaluation.comparison import TOP
from spotted.reports.plots import COLOURS, STYLES

MEASURES = (*(f"top-{k}" for k in TOP), "mAP")
MOST_K = 50
# edge of a panel
PANEL_IN, DPI = 4.4, 110
# intervals of one k stand side by side
SPREAD = 0.03
PALETTE = (*COLOURS, "black")


def draw_curves(surveys: Mapping[str, Curves]) -> bytes:
    """Share of queries found among the k best, one panel per survey, as PNG, with intervals at TOP."""
    figure = Figure(figsize=(PANEL_IN * len(surveys), PANEL_IN), layout="constrained")
    panels = figure.subplots(1, len(surveys), sharey=True, squeeze=False)[0]
    scores = list(dict.fromkeys(score for one in surveys.values() for score in one.of))
    for axes, (name, curves) in zip(panels, surveys.items(), strict=True):
        for score, curve in curves.of.items():
            _draw_curve(axes, curve, scores.index(score), score)
        axes.set(title=name, xlabel="k", xscale="log", xlim=(0.9, MOST_K * 1.1), ylim=(0, 1.02))
        axes.set_xticks([*TOP, MOST_K], [str(k) for k in (*TOP, MOST_K)])
        axes.minorticks_off()
    panels[0].set_ylabel("share of queries found among the k best")
    lines = {line.get_label(): line for axes in panels for line in axes.get_lines()}
    figure.legend(
        [lines[score] for score in scores], scores, loc="outside lower center", ncols=3, frameon=False
    )
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=DPI)
    return content.getvalue()


def table_of(surveys: Mapping[str, Curves]) -> str:
    """Top-k and mean average precision of each score on each survey, and the gains, as Markdown."""
    scores = [
        (
            survey,
            str(curves.queries),
            str(curves.animals),
            score,
            *(_shown(value) for value in (*one.top.values(), one.precision)),
        )
        for survey, curves in surveys.items()
        for score, one in curves.of.items()
    ]
    gains = [
        (survey, score, over, *(_shown(one, sign="+") for one in values))
        for survey, curves in surveys.items()
        for (score, over), values in curves.gains.items()
    ]
    return (
        grid(("survey", "queries", "animals", "score", *MEASURES), scores)
        + "\n"
        + grid(("survey", "score", "over", *MEASURES), gains)
    )


def _shown(one: Interval, sign: str = "") -> str:
    return shown(one.value, one.low, one.high, sign=sign)


def _draw_curve(axes: Axes, curve: Curve, index: int, score: str) -> None:
    colour, style = PALETTE[index % len(PALETTE)], STYLES[index % len(STYLES)]
    ks = range(1, len(curve.shares) + 1)
    axes.plot(ks, curve.shares, linestyle=style, color=colour, label=score)
    values = list(curve.top.values())
    at = [k * (1.0 + SPREAD * (index - 2)) for k in curve.top]
    axes.vlines(at, [one.low for one in values], [one.high for one in values], color=colour, linewidth=1)
