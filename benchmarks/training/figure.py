"""Figure 3: hits by the number of photographs of an animal, a panel for each species."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from matplotlib.figure import Figure

from benchmarks.training.plan import Cell
from spotted.arrays import Float64Array
from spotted.reports.plots import COLOURS, STYLES


def draw_curves(curves: Iterable[tuple[Cell, int, Float64Array]]) -> bytes:
    """The PNG of cells, their numbers of queries, and (3, n) value, low and high by 1 to n photographs."""
    panels: defaultdict[str, list[tuple[Cell, int, Float64Array]]] = defaultdict(list)
    for one in curves:
        panels[one[0].species].append(one)
    figure = Figure(figsize=(4.2 * len(panels), 3.6), layout="constrained")
    every = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for axes, (species, drawn) in zip(every, panels.items(), strict=True):
        for (cell, _, values), colour, style in zip(drawn, COLOURS, STYLES, strict=False):
            count = np.arange(1, values.shape[1] + 1)
            axes.plot(count, values[0], color=colour, linestyle=style, marker="o", label=cell.title)
            axes.fill_between(count, values[1], values[2], color=colour, alpha=0.12, linewidth=0)
        axes.set(
            title=f"{species}, {drawn[0][1]} queries", xlabel="photographs of the animal", ylim=(0, None)
        )
        axes.set_xticks(count)
        axes.legend(fontsize=7)
    every[0].set_ylabel("top-1")
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=120)
    return stream.getvalue()
