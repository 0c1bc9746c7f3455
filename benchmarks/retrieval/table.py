"""The table of retrieval: figures with intervals, gains, notes, and how they are written for people."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.common.tables import grid, shown

TOP = (1, 5, 20)
METRICS = (*(f"top-{k}" for k in TOP), "mAP")
# value, and the lower and upper end of its interval
Estimate = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """One score on one survey: value and interval of each metric, means over the seeds."""

    survey: str
    kind: str
    score: str
    seeds: int
    queries: float
    animals: float
    metrics: dict[str, Estimate]
    paper: str


@dataclass(frozen=True, slots=True)
class Gain:
    """By how much one score is above another on one survey, value and interval of each metric."""

    survey: str
    score: str
    over: str
    metrics: dict[str, Estimate]


@dataclass(slots=True)
class Results:
    """The whole table. notes: remarks on a survey's figures, by its name."""

    lines: list[Line] = field(default_factory=list)
    gains: list[Gain] = field(default_factory=list)
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)


def markdown(results: Results, model: str) -> str:
    """The table, the gains and the notes."""
    paper = any(line.paper for line in results.lines)
    parts = [
        f"# Retrieval\n\nPhotographs embedded by {model}. Value and 95 % interval over animals.\n",
        grid(
            ("survey", "kind", "score", "queries", "animals", *METRICS, *(["paper"] if paper else [])),
            [
                (x.survey, x.kind, x.score, f"{x.queries:.0f}", f"{x.animals:.0f}")
                + tuple(shown(*x.metrics[m]) for m in METRICS)
                + ((x.paper,) if paper else ())
                for x in results.lines
            ],
        ),
        "## Gains\n",
        grid(
            ("survey", "score", "over", *METRICS),
            [
                (x.survey, x.score, x.over, *(shown(*x.metrics[m], sign="+") for m in METRICS))
                for x in results.gains
            ],
        ),
        "## Notes\n",
        *(f"- {survey}: {note}" for survey, notes in results.notes.items() for note in notes),
    ]
    return "\n".join(parts) + "\n"
