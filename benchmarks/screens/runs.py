"""Single sessions of the benchmark: each runs once and is stored as a line of a file."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.annotation.runs import next_check
from benchmarks.annotation.surveys import Task
from benchmarks.common.kept import KeptRuns
from benchmarks.screens.surveys import Case
from spotted.arrays import IntArray
from spotted.constraints.verified import Verified
from spotted.sampling.strategies.by_name import strategy
from spotted.simulation.annotators import annotator
from spotted.simulation.screens import ScreenCurve, simulate_screens

STRATEGY = "learned"
PERCENTS = tuple(range(1, 100))
TARGET = 0.99
# with wrong answers, a share counts as found at this pair precision
PRECISION = 0.99
# a session that judged this many pairs per detection has failed
MOST_EACH = 25


@dataclass(frozen=True, slots=True)
class Conditions:
    """How a survey is annotated."""

    size: int
    """Most candidates of a gallery; 1 for pairs."""
    rate: float
    """Share of wrong answers. 0: every answer is believed; otherwise trust is `verified`."""


@dataclass(frozen=True, slots=True)
class Run:
    """One session and how it went."""

    shape: str
    scenario: str
    share: float
    seed: int
    size: int
    rate: float
    images: int
    individuals: int
    screens: list[int | None]
    """Screens to each of PERCENTS; None if it was not reached."""
    answers: list[int | None]
    """Pairs judged on these screens."""
    precision: float
    """Pair precision at the end."""
    seconds: float
    """Time to compute."""

    def at(self, recall: float) -> tuple[int, int] | None:
        """Screens and answers to a recall, None if it was not reached."""
        index = PERCENTS.index(round(100 * recall))
        screens, answers = self.screens[index], self.answers[index]
        return None if screens is None or answers is None else (screens, answers)


def one_run(case: Case, task: Task, at: Conditions) -> Run:
    """Annotate a survey; equal arguments give equal runs except for their seconds."""
    started = time.perf_counter()
    folded = Verified(task.graph.n) if at.rate else None
    precision = PRECISION if at.rate else 0.0
    curve = simulate_screens(
        task.graph,
        strategy(STRATEGY),
        task.truth,
        seed=case.seed,
        size=at.size,
        answer=annotator("independent", task.graph, task.truth, rate=at.rate, seed=case.seed),
        constraints=folded,
        checks=next_check(folded) if folded else None,
        target=TARGET,
        precision=precision,
        max_answers=MOST_EACH * task.graph.n,
        same_image=task.same_image,
    )
    screens = [curve.screens_to(percent / 100, precision=precision) for percent in PERCENTS]
    return Run(
        case.shape,
        case.scenario,
        case.share,
        case.seed,
        at.size,
        at.rate,
        images=task.graph.n,
        individuals=_count(task.truth),
        screens=screens,
        answers=[None if shown is None else curve.answers_by(shown) for shown in screens],
        precision=_precision(curve),
        seconds=round(time.perf_counter() - started, 2),
    )


def _count(truth: IntArray) -> int:
    return len(set(truth.tolist()))


def _precision(curve: ScreenCurve) -> float:
    joined = int(curve.joined[-1])
    return int(curve.found[-1]) / joined if joined else 1.0


class Kept(KeptRuns[Run]):
    """Finished runs, one per line of a file."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, Run, _key)

    def get(self, case: Case, at: Conditions) -> Run | None:
        """The run of a survey under these conditions, None if it is still to do."""
        return self.find((case.shape, case.scenario, case.share, case.seed, at.size, at.rate))


def _key(run: Run) -> tuple[object, ...]:
    return run.shape, run.scenario, run.share, run.seed, run.size, run.rate
