"""Annotation sessions to their very end, with what the learned strategy expected on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.annotation.runs import made
from benchmarks.annotation.surveys import Sources, Task
from spotted.arrays import BoolArray, IntArray
from spotted.constraints.closure import Closure
from spotted.sampling.rounds import PlanState, Round
from spotted.sampling.stopping import Expected, estimate_planned
from spotted.sampling.strategies.learned import Learned
from spotted.simulation.session import questions_to, simulate_session

SHAPES = ("leopard102", "hyena109")
FIRST_SEED = 20
EVERY_PAIR = 10**6
# a share of the positives that is never reached: the session goes on to its end
BEYOND = 2.0


@dataclass(frozen=True, slots=True)
class Session:
    """A session to its end.

    merged: (q,). open_pairs: (q + 1,) open component pairs before each answer and at the end. found: (q,)
    positive image pairs known. plans: the expectation after a number of answers, in merges and image pairs.
    """

    survey: str
    images: int
    merged: BoolArray
    open_pairs: IntArray
    found: IntArray
    positives: int
    merges: int
    plans: tuple[tuple[int, Expected, float], ...]

    def questions_to(self, target: float) -> int:
        """Questions after which the share of the merges was truly known."""
        questions = questions_to(np.cumsum(self.merged), self.merges, target)
        return len(self.merged) + 1 if questions is None else questions


def tasks(generator: Path, surveys: int, shares: Sequence[float]) -> Iterator[tuple[Task, int]]:
    """`count` surveys of their own seeds, shapes and sizes by turns.

    shares: parts of a shape's animals and images to use.
    """
    for number in range(surveys):
        share = shares[number // len(SHAPES) % len(shares)]
        sources = Sources(generator, Path(), Path(), share)
        ((seed, make),) = sources.tasks(SHAPES[number % len(SHAPES)], [FIRST_SEED + number])
        yield make(), seed


def session(task: Task, strategy: str, seed: int) -> Session:
    """Annotate a survey to its end by right answers."""
    constraints, open_pairs = Closure(task.graph.n), list[int]()
    watched = _Watched()
    chosen = watched if strategy == "learned" else made(strategy)

    def count_open() -> None:
        open_pairs.append(constraints.open_component_pairs)

    curve = simulate_session(
        task.graph,
        chosen,
        task.truth,
        seed=seed,
        constraints=constraints,
        checks=count_open,
        target=BEYOND,
        same_image=task.same_image,
    )
    merges = task.graph.n - len(set(task.truth.tolist()))
    # counted once more when the strategy has nothing left to ask
    return Session(
        task.name,
        task.graph.n,
        curve.merged,
        np.array(open_pairs),
        curve.found,
        curve.total,
        merges,
        tuple(watched.plans),
    )


class _Watched:
    """The learned strategy, which notes what it expects whenever it plans."""

    def __init__(self) -> None:
        self.plans: list[tuple[int, Expected, float]] = []
        self._every, self._ahead = Learned(ahead=EVERY_PAIR), Learned().ahead

    def plan(self, state: PlanState, rng: np.random.Generator) -> Round:
        """The round of the learned strategy."""
        planned = self._every.plan(state, rng)
        expected = Expected(sum(query.score for query in planned.pairs), len(planned.pairs))
        decisions = state.constraints.decisions()
        remaining = estimate_planned(expected, decisions)
        self.plans.append((len(decisions.merged), expected, remaining.image_pairs))
        return replace(planned, pairs=planned.pairs[: self._ahead * (planned.renew_after or 0)])
