"""Rounds of pair queries: what a strategy sees, what it plans, and how a round is served."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from spotted.arrays import FloatArray, IntArray
from spotted.constraints.interface import Constraints
from spotted.errors import PreconditionError
from spotted.sampling.candidate_graph import CandidateGraph
from spotted.sampling.stopping import Expected

Pair = tuple[int, int]


class PairQuery(NamedTuple):
    """An unordered pair (first < second) put to an annotator; a tuple, as rounds hold thousands.

    reason: in words for a person, why it is asked.
    score: the score by which the strategy chose it.
    terms: what a strategy that learns knew about the pair when it planned it; empty for others.
    """

    first: int
    second: int
    reason: str
    score: float
    terms: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Round:
    """Pair queries that are asked in order; one without pairs means that the strategy has no more.

    number: 1 for the first round of a session.
    kind: how its pairs were chosen, such as "random", "greedy", "clusters" or "learned".
    eps: the cluster radius that was used, None where no clusters were.
    renew_after: answers after which a newer round would be better; None where it is as good to its end.
    expected: what the strategy's chances say of all that is open; None where it knows none.
    """

    number: int
    kind: str
    pairs: tuple[PairQuery, ...]
    eps: float | None = None
    renew_after: int | None = None
    expected: Expected | None = None


@dataclass(frozen=True, slots=True)
class PlanState:
    """All that a strategy may look at when it plans a round.

    number: of the round to be planned.
    previous: the round before, None for the first.
    excluding: pairs (first < second) not to be asked: on somebody's screen, or skipped.
    known: the pairs that rounds planned with terms, each as it was last planned, in the order of planning.
    """

    graph: CandidateGraph
    constraints: Constraints
    number: int
    previous: Round | None = None
    excluding: frozenset[Pair] = frozenset()
    known: Collection[PairQuery] = ()


class Strategy(Protocol):
    """A way to choose questions; `plan` is a pure function of its arguments."""

    def plan(self, state: PlanState, rng: np.random.Generator) -> Round:
        """The next round of questions."""


class RoundQueue:
    """The current round of a session and how far it has been asked.

    Holds no more than its constraints and the round, so that a replay of labels and rounds in their
    journalled order serves the same pairs.
    """

    def __init__(self, constraints: Constraints) -> None:
        self.constraints = constraints
        self._round: Round | None = None
        self._position = 0
        self._answers = 0
        self._known: dict[Pair, PairQuery] = {}

    @property
    def round(self) -> Round | None:
        """The round that is served, None before the first."""
        return self._round

    def start(self, planned: Round) -> None:
        """Serve this round from its first pair.

        Raises PreconditionError unless its number follows that of the current round.
        """
        expected = self._next_number()
        if planned.number != expected:
            raise PreconditionError(f"round {planned.number} cannot start; the next round is {expected}")
        self._round, self._position, self._answers = planned, 0, 0
        self._known |= {(query.first, query.second): query for query in planned.pairs if query.terms}

    def over(self, constraints: Constraints) -> RoundQueue:
        """The same round and all that is known of earlier ones, over labels that were folded anew."""
        queue = RoundQueue(constraints)
        queue._round, queue._answers, queue._known = self._round, self._answers, self._known
        return queue

    def chance(self, pair: Pair) -> float | None:
        """The chance of SAME at which a pair (first < second) was planned, None where none was given."""
        query = self._known.get(pair)
        return None if query is None else query.score

    def open_pairs(self) -> Iterator[PairQuery]:
        """The pairs of the round that are open, in order."""
        pairs = self._round.pairs if self._round else ()
        # what is closed stays closed: the leading closed pairs are never looked at again
        while self._position < len(pairs) and not self._is_open(pairs[self._position]):
            self._position += 1
        rest = (pairs[place] for place in range(self._position, len(pairs)))
        return filter(self._is_open, rest)

    def next_open_pairs(
        self, count: int, *, excluding: Collection[Pair] = (), busy: Collection[Pair] = ()
    ) -> list[PairQuery]:
        """Up to `count` pairs of the round, in order, each about two components of its own.

        excluding: pairs (first < second) not to be served, such as those this annotator skipped.
        busy: pairs being asked elsewhere; no pair is served that their answers may imply.
        """
        excluded = set(excluding)
        asked = {self._component_pair(first, second) for first, second in busy}
        served: list[PairQuery] = []
        pairs = self.open_pairs()
        # no pair is looked at beyond the last one served: a long round would be read to its end each time
        while len(served) < count and (query := next(pairs, None)) is not None:
            components = self._component_pair(query.first, query.second)
            if components not in asked and (query.first, query.second) not in excluded:
                asked.add(components)
                served.append(query)
        return served

    def count_answers(self, count: int = 1) -> None:
        """Note that so many answers came while the round was served."""
        self._answers += count

    def is_stale(self) -> bool:
        """True where a newer round would be better, though this one may go on meanwhile."""
        after = self._round.renew_after if self._round else None
        return after is not None and self._answers >= after

    def plan_next(
        self,
        strategy: Strategy,
        graph: CandidateGraph,
        *,
        seed: int,
        excluding: frozenset[Pair] = frozenset(),
    ) -> Round:
        """The round after the current one, planned but not started."""
        number = self._next_number()
        known = self._known.values()
        state = PlanState(graph, self.constraints, number, self._round, excluding, known)
        # one generator per round, so that no generator state has to be kept between rounds
        return strategy.plan(state, np.random.default_rng((seed, number)))

    def _next_number(self) -> int:
        return 1 if self._round is None else self._round.number + 1

    def _is_open(self, query: PairQuery) -> bool:
        return self.constraints.is_open(query.first, query.second)

    def _component_pair(self, first: int, second: int) -> Pair:
        a, b = self.constraints.component_of(first), self.constraints.component_of(second)
        return (a, b) if a < b else (b, a)


def queries(graph: CandidateGraph, rows: IntArray, score: FloatArray, reason: str) -> tuple[PairQuery, ...]:
    """The rows of a graph as pair queries; `{score}` in the reason stands for the row's score."""
    return tuple(
        PairQuery(first, second, reason.format(score=f"{value:.2f}"), value)
        for first, second, value in zip(
            graph.first[rows].tolist(), graph.second[rows].tolist(), score[rows].tolist(), strict=True
        )
    )
