"""A picture for each service, and how fast a cost grows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from benchmarks.common.report import Bar
from benchmarks.growth import of_embedder, of_sampler, of_scorer
from benchmarks.growth.points import Points

# panels of a picture: series, label of the vertical axis, and costs with their names
Panel = tuple[str, str, Mapping[str, str]]
MEMORY = "memory, MiB"
PICTURES: Mapping[str, tuple[Panel, ...]] = {
    "growth-embedder": tuple(
        (series, label, {cost: ""})
        for series in (of_embedder.IN_FLIGHT, of_embedder.IMAGES)
        for cost, label in (("crops_per_s", "crops a second"), ("resident_mib", MEMORY))
    ),
    "growth-scorer": (
        (of_scorer.DETECTIONS, "ms", {"query_ms": "one query, p50"}),
        (
            of_scorer.DETECTIONS,
            "s",
            {"added_s": "1,000 added", "ranked_s": "1,000 new ranked", "cold_s": "cold start"},
        ),
        (of_scorer.DETECTIONS, MEMORY, {"resident_mib": ""}),
    ),
    "growth-sampler": tuple(
        (series, label, costs)
        for series in (of_sampler.DETECTIONS, of_sampler.LABELS)
        for label, costs in (
            ("ms", {"question_ms": "next question, p50"}),
            ("s", {"opened_s": "session opened", "planned_s": "round planned again"}),
            (MEMORY, {"sampler_mib": "sampler", "planning_mib": "planning process"}),
        )
    ),
}
# the costs that a bar holds for, and the largest power of the size by which one may grow
HELD_LINEAR = {
    of_scorer.DETECTIONS: ("query_ms", "added_s", "ranked_s", "cold_s", "resident_mib"),
    of_sampler.DETECTIONS: ("question_ms", "opened_s", "planned_s", "planning_mib"),
    of_sampler.LABELS: ("question_ms", "opened_s", "planned_s", "sampler_mib"),
}
MOST_POWER = 1.3
PANEL_IN, DPI = 3.3, 80


def power(sizes: list[int], costs: list[float]) -> float:
    """The power of the size by which a cost grows, from the last point and that of a tenth of its size."""
    first = max((i for i, size in enumerate(sizes) if size * 9 <= sizes[-1]), default=0)
    return math.log(costs[-1] / costs[first]) / math.log(sizes[-1] / sizes[first])


def bars(points: Points) -> Iterator[Bar]:
    """One bar for each cost that must not grow much faster than the size."""
    for series, costs in HELD_LINEAR.items():
        for cost in costs:
            sizes, values = points.line(series, cost)
            if len(sizes) > 1:
                yield Bar(f"{series}: power by which {cost} grows", power(sizes, values), most=MOST_POWER)


def draw(points: Points, folder: Path) -> None:
    """Write a picture for each service whose points are known."""
    for name, panels in PICTURES.items():
        if all(points.of.get(series) for series, _, _ in panels):
            picture(points, panels).savefig(folder / f"{name}.png", dpi=DPI)


def picture(points: Points, panels: tuple[Panel, ...]) -> Figure:
    """The panels side by side, three in a row at most; sizes are on a logarithmic axis, costs begin at 0."""
    rows, columns = (2, len(panels) // 2) if len(panels) > 3 else (1, len(panels))  # noqa: PLR2004 - the rows
    figure = Figure(figsize=(PANEL_IN * columns, PANEL_IN * 0.8 * rows), layout="constrained")
    for axes, (series, label, costs) in zip(figure.subplots(rows, columns).flat, panels, strict=True):
        for cost, words in costs.items():
            axes.plot(*points.line(series, cost), marker="o", label=words)
        axes.set(xlabel=series.partition(", ")[2], ylabel=label, xscale="log")
        axes.minorticks_off()
        sizes = sorted(points.of[series])
        axes.set_xticks(sizes, [f"{size // 1000}k" if size >= 1000 else str(size) for size in sizes])  # noqa: PLR2004 - thousands
        if series in HELD_LINEAR:
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter(NullFormatter())
        else:
            axes.set_ylim(0, 1.1 * max(max(points.line(series, cost)[1]) for cost in costs))
        if any(costs.values()):
            axes.legend(fontsize="small", frameon=False)
    return figure
