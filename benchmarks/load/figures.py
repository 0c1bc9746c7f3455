"""Figures of a load run from the outcomes of its calls: latencies, errors, and the picture."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.load.mix import CLASS_OF, CLASSES
from benchmarks.load.traffic import Outcome
from benchmarks.load.watch import Reading

MS = 1e3
PERCENTILES = {"p50": 50.0, "p95": 95.0, "p99": 99.0, "p99.9": 99.9}
OPENINGS = "openings"
MOST_ERRORS = 20


@dataclass(frozen=True, slots=True)
class Step:
    """One rate for some time. offered_per_s: calls sent; answered_share: part answered without error.

    latency_ms: percentiles of `all` calls but openings, of each class and of each call. errors: how many
    by code, reason and message. retries: repetitions by the clients. cores_used, rss_mib: by process.
    """

    per_s: float
    seconds: float
    calls: int
    offered_per_s: float
    answered_share: float
    latency_ms: dict[str, dict[str, float]]
    errors: dict[str, int]
    retries: int
    cores_used: dict[str, float]
    rss_mib: dict[str, float]

    @property
    def p99_ms(self) -> float:
        """The 99th percentile of all calls but openings."""
        return self.latency_ms.get("all", {}).get("p99", float("inf"))

    def as_json(self) -> dict[str, object]:
        """For the report."""
        return asdict(self)


def latency_ms(outcomes: Iterable[Outcome]) -> dict[str, dict[str, float]]:
    """Percentiles of answered calls, by call, by class, and of all that are no openings."""
    groups: dict[str, list[float]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.error:
            continue
        kind = CLASS_OF[outcome.name]
        for group in {outcome.name, kind, *(("all",) if kind != OPENINGS else ())}:
            groups[group].append(outcome.took_s * MS)
    order = ["all", *CLASSES, *CLASS_OF]
    return {group: spread(groups[group]) for group in order if group in groups}


def spread(values: Sequence[float]) -> dict[str, float]:
    """The percentiles, each a value that was measured, the longest, and how many there are."""
    found = np.percentile(values, list(PERCENTILES.values()), method="higher")
    named = dict(zip(PERCENTILES, (float(value) for value in found), strict=True))
    return {**named, "max": max(values), "calls": len(values)}


def errors(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Number of calls that ended with each error, the most frequent first."""
    met = Counter(f"{o.name}: {o.error}" for o in outcomes if o.error)
    return dict(met.most_common(MOST_ERRORS))


def p99_by_tenth(outcomes: Sequence[Outcome], seconds: float) -> list[float]:
    """The 99th percentile of all calls but openings in each tenth of the time, ms."""
    tenths: list[list[Outcome]] = [[] for _ in range(10)]
    for outcome in outcomes:
        tenths[min(9, int(10 * outcome.due_s / seconds))].append(outcome)
    return [latency_ms(tenth).get("all", {}).get("p99", float("nan")) for tenth in tenths]


def highest(passes: Callable[[float], bool], first: float, *, factor: float, halvings: int) -> float:
    """The highest rate that passed, 0 if none did.

    Climbs by `factor` until a rate fails, or descends by it until one passes, and then halves the step
    between both on a logarithmic scale this many times.
    """
    if passes(first):
        low, high = first, first * factor
        while passes(high):
            low, high = high, high * factor
    else:
        low = next((r for r in (first / factor**i for i in range(1, 6)) if passes(r)), 0.0)
        high = low * factor
    for _ in range(halvings if low else 0):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if passes(middle) else (low, middle)
    return low


def picture(path: Path, steps: Sequence[Step], readings: Mapping[str, Sequence[Reading]]) -> None:
    """Draw latency against load for each class, and memory over time."""
    figure = Figure(figsize=(13, 8), layout="constrained")
    panels = figure.subplots(2, 2).ravel()
    for panel, kind in zip(panels, ("candidates", "sessions", "imports"), strict=False):
        _latencies(panel, kind, steps)
    for name, found in sorted(readings.items()):
        panels[3].plot([r.at_s / 60.0 for r in found], [r.rss_mib for r in found], label=name)
    panels[3].set(title="memory in the soak", xlabel="minutes", ylabel="MiB")
    if readings:
        panels[3].legend(fontsize="x-small", ncols=2)
    figure.savefig(path, dpi=110)


def _latencies(panel: Axes, kind: str, steps: Sequence[Step]) -> None:
    for name in PERCENTILES:
        points = [(s.per_s, s.latency_ms[kind][name]) for s in steps if kind in s.latency_ms]
        panel.plot([p[0] for p in points], [p[1] for p in points], marker="o", label=name)
    panel.set(title=kind, xlabel="calls per second of the whole mix", ylabel="latency from the due time, ms")
    panel.set_yscale("log")
    panel.grid(visible=True, alpha=0.3)
    panel.legend(fontsize="x-small")
