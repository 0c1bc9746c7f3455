"""The report on temporal pairs: counts, a sweep over both thresholds, the drift of identity."""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass
from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spotted.reports.plots import COLOURS, STYLES
from spotted.training.pairs.counts import Drift, PairCounts, count_pairs, measure_drift, sweep_pairs
from spotted.training.pairs.detections import BoxedDetections
from spotted.training.pairs.temporal import PairRules, TemporalPairs


@dataclass(frozen=True, slots=True)
class PairReport:
    """How many pairs a survey has, and how good they are.

    >>> counts = PairCounts(PairRules(), frames=40, left_out=0, kept=30, ambiguous=2, judged=0, wrong=0)
    >>> print(PairReport(90, 4, counts, (), ()).sentence())
    30 pairs from 40 pairs of frames; 2 ambiguous; no pair has two known individuals, so how many are wrong \
is unknown; 4 of 90 detections have no camera, time or box
    """

    detections: int
    """Number of detections."""
    unusable: int
    """Detections without camera, time or box, which are in no pair."""
    counts: PairCounts
    """The counts under the rules."""
    sweep: tuple[PairCounts, ...]
    """The counts under other thresholds, by least overlap, then least gap."""
    drift: tuple[Drift, ...]
    """Consecutive frames that show the same animal, by the gap between them."""

    def sentence(self) -> str:
        """The counts as one sentence."""
        counts = self.counts
        parts = [f"{counts.kept:,} pairs from {counts.frames:,} pairs of frames"]
        if counts.left_out:
            parts.append(f"{counts.left_out:,} left out because a frame shows several animals")
        parts.append(f"{counts.ambiguous:,} ambiguous")
        if counts.wrong_share is None:
            parts.append("no pair has two known individuals, so how many are wrong is unknown")
        else:
            parts.append(
                f"{counts.wrong:,} of {counts.judged:,} pairs with known individuals are wrong "
                f"({counts.wrong_share:.0%})"
            )
        if self.unusable:
            parts.append(f"{self.unusable:,} of {self.detections:,} detections have no camera, time or box")
        return "; ".join(parts)

    def document(self) -> dict[str, object]:
        """The report as JSON."""
        return {
            "detections": self.detections,
            "unusable": self.unusable,
            "rules": asdict(self.counts.rules),
            "counts": _document(self.counts),
            "sweep": [_document(one) for one in self.sweep],
            "drift": [asdict(one) for one in self.drift],
        }


def report_pairs(detections: BoxedDetections, pairs: TemporalPairs, rules: PairRules) -> PairReport:
    """The report on the pairs that were found under some rules."""
    return PairReport(
        detections=len(detections),
        unusable=int((~detections.usable).sum()),
        counts=count_pairs(detections, pairs, rules),
        sweep=tuple(sweep_pairs(detections, rules)),
        drift=tuple(measure_drift(detections)),
    )


def draw_sweep(report: PairReport) -> bytes:
    """Kept and wrong pairs over the least gap, one line for each least overlap, as PNG."""
    figure = Figure(figsize=(8.0, 3.6), layout="constrained")
    kept, wrong = figure.subplots(1, 2)
    for index, (overlap, group) in enumerate(groupby(report.sweep, lambda one: one.rules.least_overlap)):
        counts = list(group)
        gaps_s = [one.rules.least_gap_s for one in counts]
        look = {
            "color": COLOURS[index % len(COLOURS)],
            "linestyle": STYLES[index % len(STYLES)],
            "label": f"{overlap:g}",
        }
        kept.plot(gaps_s, [one.kept for one in counts], marker="o", markersize=3, **look)
        judged = [(one.rules.least_gap_s, one.wrong_share) for one in counts if one.wrong_share is not None]
        if judged:
            wrong.plot(*zip(*judged, strict=True), marker="o", markersize=3, **look)
    _label(kept, "pairs")
    _label(wrong, "share of wrong pairs")
    kept.legend(title="least overlap", frameon=False)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110)
    return content.getvalue()


def _label(axes: Axes, measure: str) -> None:
    axes.set(xlabel="least gap between frames, s", ylabel=measure)
    axes.set_ylim(bottom=0.0)


def _document(counts: PairCounts) -> dict[str, object]:
    fields = asdict(counts)
    rules = fields.pop("rules")
    return {
        "least_overlap": rules["least_overlap"],
        "least_gap_s": rules["least_gap_s"],
        **fields,
        "wrong_share": counts.wrong_share,
    }
