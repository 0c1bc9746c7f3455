"""Single annotation sessions of the benchmark: each runs once and is stored as a line of a file."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.annotation.surveys import Task, fewest_questions
from benchmarks.common.kept import KeptRuns
from spotted.constraints.verified import Verified
from spotted.counting import count_of_share
from spotted.sampling.bursts import burst_groups
from spotted.sampling.candidate_graph import CandidateGraph
from spotted.sampling.rounds import Pair, Strategy
from spotted.sampling.strategies.by_name import strategy
from spotted.simulation.annotators import annotator
from spotted.simulation.session import Curve, simulate_session

RECALLS = (0.90, 0.95, 0.99, 1.0)
PERCENTS = tuple(range(1, 101))
# a longer round asks the same questions of strategies whose scores never change, and is planned less often
LONG = {"round_size": 20_000}
# on a large survey a head would be retrained a thousand times, once for 50 questions
HEADLESS = {"retrain": False, "confidence_pairs": 500}
PARAMETERS: dict[str, dict[str, Any]] = {
    "random": LONG,
    "greedy": LONG,
    "greedy-visual": LONG,
    "greedy-marks": LONG,
    "confspal-headless": HEADLESS,
}
# a session with wrong answers is compared at these shares of its questions
SHARES = (0.25, 0.5, 0.75, 1.0)
ANNOTATOR = "simulated"
TRUST = ("plain", "verified")
# with wrong answers, the questions until this share is found at this precision count
PRECISION, FOUND = 0.99, (0.92, 0.95)
LOOK_EVERY = 25


@dataclass(frozen=True, slots=True)
class Way:
    """A strategy, what it knows of a survey, and whether frames of bursts are asked about together first."""

    kind: str
    sides: bool = False
    bursts: bool = False
    marks: bool = False


WAYS = {
    "learned-sides": Way("learned", sides=True),
    "learned-bursts": Way("learned", sides=True, bursts=True),
    "learned-marks": Way("learned", sides=True, marks=True),
    "greedy-marks": Way("greedy", marks=True),
    "confspal-headless": Way("confspal"),
}


@dataclass(frozen=True, slots=True)
class Conditions:
    """How a survey is annotated.

    model, rate: error model and error rate of the annotator.
    trust: "plain" accepts every answer, "verified" weighs it as evidence.
    questions: most of a session, 0 for the survey's own number.
    """

    strategy: str
    model: str
    rate: float
    trust: str
    questions: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """One session and how it went.

    settings: the strategy with its parameters. percents: questions to each of PERCENTS, None if it was
    not reached. held: questions to each of FOUND with PRECISION, looked at every LOOK_EVERY answers.
    bounds, to: fewest and asked questions for each of RECALLS. checkpoints: questions and agreement with the
    truth. seconds: time to compute.
    """

    survey: str
    kind: str
    seed: int
    strategy: str
    settings: str
    model: str
    rate: float
    trust: str
    limit: int
    images: int
    individuals: int
    positives: int
    asked: int
    exhausted: bool
    to: list[int | None]
    bounds: list[int]
    percents: list[int | None]
    held: list[int | None]
    checkpoints: list[dict[str, float]]
    seconds: float


def one_run(task: Task, seed: int, at: Conditions) -> Run:
    """Annotate a survey; equal arguments give equal runs except for their seconds."""
    chosen = made(at.strategy)
    limit = at.questions or task.questions(wrong=at.rate > 0 or at.trust == TRUST[1])
    started = time.perf_counter()
    curve = _session(task, seed, at, chosen, limit)
    total = curve.total
    return Run(
        survey=task.name,
        kind=task.kind,
        seed=seed,
        strategy=at.strategy,
        settings=_settings(at.strategy),
        model=at.model if at.rate else "",
        rate=at.rate,
        trust=at.trust,
        limit=at.questions,
        images=task.graph.n,
        individuals=len(set(task.truth.tolist())),
        positives=total,
        asked=len(curve.found),
        exhausted=curve.exhausted,
        to=[curve.questions_to(recall) for recall in RECALLS],
        bounds=[fewest_questions(task.truth, count_of_share(recall, total)) for recall in RECALLS],
        percents=[curve.questions_to(percent / 100) for percent in PERCENTS],
        held=[_held(curve, found) for found in FOUND],
        checkpoints=[
            {"questions": at.questions, **asdict(at.agreement)}
            for at in curve.checkpoints
            if at.questions in _shares(limit) or at is curve.checkpoints[-1]
        ],
        seconds=round(time.perf_counter() - started, 2),
    )


def made(name: str) -> Strategy:
    """A strategy with the parameters that it is measured with."""
    return strategy(way(name).kind, **PARAMETERS.get(name, {}))


def way(name: str) -> Way:
    """The strategy, the facts it gets and the questions it may ask, by the name it is measured under."""
    return WAYS.get(name, Way(name))


def _shares(limit: int | None) -> list[int]:
    return [round(share * limit) for share in SHARES] if limit else []


def _held(curve: Curve, found: float) -> int | None:
    """The first look at which this share was found and nearly all joins were right."""
    good = (
        at.questions
        for at in curve.checkpoints
        if at.agreement.pair_precision >= PRECISION and at.agreement.pair_recall >= found
    )
    return next(good, None)


def _session(task: Task, seed: int, at: Conditions, chosen: Strategy, limit: int | None) -> Curve:
    folded = Verified(task.graph.n) if at.trust == "verified" else None
    known = way(at.strategy)
    graph = task.known(sides=known.sides, marks=known.marks)
    looks = range(LOOK_EVERY, limit + 1, LOOK_EVERY) if limit and (at.rate or folded) else ()
    return simulate_session(
        graph,
        chosen,
        task.truth,
        seed=seed,
        answer=annotator(at.model, task.graph, task.truth, rate=at.rate, seed=seed),
        constraints=folded,
        checks=next_check(folded) if folded else None,
        target=task.recall,
        max_questions=limit,
        bursts=_bursts(graph) if known.bursts else (),
        checkpoints=sorted({*looks, *_shares(limit)}),
        same_image=task.same_image,
    )


def _bursts(graph: CandidateGraph) -> list[tuple[int, ...]]:
    if graph.table is None or graph.embeddings is None:
        return []
    return burst_groups(graph.table, graph.embeddings)


def next_check(folded: Verified) -> Callable[[], Pair | None]:
    """The check that the simulated annotator is asked next, each time it is called; None if there is none."""

    def first() -> Pair | None:
        found = folded.checks(ANNOTATOR, 1)
        return found[0][:2] if found else None

    return first


def _settings(name: str) -> str:
    return f"{made(name)!r} {way(name)!r}"


class Kept(KeptRuns[Run]):
    """Finished runs, one per line of a file."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, Run, _key)

    def get(self, survey: str, seed: int, at: Conditions) -> Run | None:
        """The run of a survey under these conditions, None if it is still to do."""
        model = at.model if at.rate else ""
        return self.find((survey, seed, _settings(at.strategy), model, at.rate, at.trust, at.questions))


def _key(run: Run) -> tuple[object, ...]:
    return (run.survey, run.seed, run.settings, run.model, run.rate, run.trust, run.limit)
