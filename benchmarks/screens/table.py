"""Figures of sessions by the size of their galleries: means, the worst seed, modelled seconds, curves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.screens.runs import PERCENTS, Run
from spotted.arrays import Float64Array
from spotted.evaluation.retrieval import hours
from spotted.reports import plots

RECALLS = (0.95, 0.99)
SECONDS_PER_HOUR = 3600.0
# seconds of a screen with one candidate: 5.78 answers a minute, as measured in the paper
PAIR_S = SECONDS_PER_HOUR * hours(1)
# of each further candidate beside the same animal: what AmphIdent assumes for a pattern in a list, and the
# time after which viewers of two unfamiliar faces get no better (Ozbek and Bindemann 2011)
CANDIDATE_S = 2.0


@dataclass(frozen=True, slots=True)
class Line:
    """Sessions of one kind with galleries of one size, compared with pairs on the same surveys."""

    surveys: str
    rate: float
    size: int
    recall: float
    seeds: int
    reached: int
    """Surveys on which the recall was reached; the figures are over those on which pairs reached it too."""
    screens: float
    """Mean."""
    screens_worst: int
    answers: float
    answers_worst: int
    seconds: float
    """Mean, modelled."""
    seconds_worst: float
    fewer: float
    """Screens of pairs over these, geometric mean; 1 for pairs."""
    fewer_worst: float
    faster: float
    """Modelled seconds of pairs over these, geometric mean."""
    faster_worst: float
    break_even: float
    """Seconds for each further candidate at which galleries take as long as pairs, in all surveys together;
    infinite if they do with fewer answers, too."""


def modelled_s(screens: float, answers: float, candidate_s: float = CANDIDATE_S) -> float:
    """Seconds for these screens, on which `answers` pairs are judged.

    >>> round(modelled_s(10, 10), 1), round(modelled_s(10, 30), 1)
    (103.8, 143.8)
    """
    return PAIR_S * screens + candidate_s * (answers - screens)


def line(surveys: str, recall: float, runs: Sequence[Run], pairs: Mapping[tuple[object, ...], Run]) -> Line:
    """The figures of runs of one size; pairs: those of size 1, by `subject`."""
    reached = [(run.at(recall), pairs[subject(run)].at(recall)) for run in runs]
    both = [(ours, theirs) for ours, theirs in reached if ours and theirs]
    # a line of no survey has no figures
    counts = (
        np.array([(*ours, *theirs) for ours, theirs in both], np.float64) if both else np.full((1, 4), np.nan)
    )
    screens, answers, paired, judged = counts.T
    seconds, before = _seconds(screens, answers), _seconds(paired, judged)
    further, saved = (answers - screens).sum(), PAIR_S * (paired - screens).sum()
    return Line(
        surveys,
        runs[0].rate,
        runs[0].size,
        recall,
        len(runs),
        sum(ours is not None for ours, _ in reached),
        float(screens.mean()),
        _most(screens),
        float(answers.mean()),
        _most(answers),
        float(seconds.mean()),
        float(seconds.max()),
        _geometric(paired / screens),
        float((paired / screens).min()),
        _geometric(before / seconds),
        float((before / seconds).min()),
        float(saved / further) if further > 0 else np.inf,
    )


def subject(run: Run) -> tuple[object, ...]:
    """The survey and the annotator of a run."""
    return run.shape, run.scenario, run.share, run.seed, run.rate


def lines(runs: Iterable[Run], named: Mapping[str, Sequence[Run]]) -> list[Line]:
    """The figures of each group of surveys, for each annotator and size."""
    pairs = {subject(run): run for run in runs if run.size == 1}
    found = []
    for surveys, group in named.items():
        kinds = sorted({(run.rate, run.size) for run in group})
        for recall in RECALLS:
            for rate, size in kinds:
                these = [run for run in group if (run.rate, run.size) == (rate, size)]
                found.append(line(surveys, recall, these, pairs))
    return found


def curves(runs: Sequence[Run]) -> bytes:
    """Mean modelled minutes to each share of the true pairs, one curve for each size, as PNG."""
    shares = np.array(PERCENTS) / 100
    named = {}
    for size in sorted({run.size for run in runs}):
        minutes = np.mean([_minutes(run) for run in runs if run.size == size], axis=0)
        named["pairs" if size == 1 else f"up to {size}"] = (minutes, shares)
    return plots.share_found(named, effort="modelled minutes")


def _minutes(run: Run) -> list[float]:
    shown = zip(run.screens, run.answers, strict=True)
    return [np.nan if s is None or a is None else modelled_s(s, a) / 60 for s, a in shown]


def _seconds(screens: Float64Array, answers: Float64Array) -> Float64Array:
    return PAIR_S * screens + CANDIDATE_S * (answers - screens)


def _most(values: Float64Array) -> int:
    return int(values.max()) if np.isfinite(values).all() else 0


def _geometric(ratios: Float64Array) -> float:
    return float(np.exp(np.log(ratios).mean()))


COLUMNS = ("screens", "worst", "answers", "seconds", "worst", "fewer", "worst", "faster", "worst", "even")


def row(one: Line) -> tuple[object, ...]:
    """A line as cells of the table."""
    named = f"{one.surveys}, {one.rate:.0%}, {one.recall:.0%}"
    counts = (one.screens, one.screens_worst, one.answers, one.seconds, one.seconds_worst)
    cells = tuple("-" if math.isnan(value) else str(round(value)) for value in counts)
    ratios = (one.fewer, one.fewer_worst, one.faster, one.faster_worst, one.break_even)
    return named, one.size, f"{one.reached}/{one.seeds}", *cells, *ratios
