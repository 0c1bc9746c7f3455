"""Rounds of pair queries: the state that a strategy plans from, the round it plans, and serving a round."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple, Protocol

import numpy as np

from spotted.arrays import FloatArray, IntArray
from spotted.constraints.interface import Constraints
from spotted.errors import PreconditionError
from spotted.sampling.candidate_graph import CandidateGraph
from spotted.sampling.stopping import Expected

Pair = tuple[int, int]


class PairQuery(NamedTuple):
    """An unordered pair (first < second) put to an annotator; a tuple, as rounds hold thousands."""

    first: int
    second: int
    reason: str
    """Why it is asked, for the annotator to read."""
    score: float
    """The score by which the strategy chose it."""
    terms: tuple[float, ...] = ()
    """The terms by which a strategy that learns scored the pair; empty for others."""
    calibrated: bool = False
    """Whether the score is a probability fitted to enough answers; if not, it only orders questions."""


@dataclass(frozen=True, slots=True)
class Round:
    """Pair queries that are asked in order; a round without pairs means that the strategy has no more."""

    number: int
    """1 for the first round of a session."""
    kind: str
    """How its pairs were chosen, such as "random", "greedy", "clusters" or "learned"."""
    pairs: tuple[PairQuery, ...]
    eps: float | None = None
    """The cluster radius; None if no clusters were used."""
    renew_after: int | None = None
    """Answers after which a newer round would be better; None if it is as good to its end."""
    expected: Expected | None = None
    """Matches expected by the strategy's probabilities among all open pairs; None if it has none."""
    beside: tuple[PairQuery, ...] = ()
    """Pairs that fill galleries around the first ones, the likeliest first; never asked by themselves."""


@dataclass(frozen=True, slots=True)
class PlanState:
    """All that a strategy may read when it plans a round.

    >>> from spotted.constraints import Closure
    >>> from spotted.sampling.strategies import Greedy
    >>> from spotted.sampling.strategies.conformance import small_survey
    >>> graph, _ = small_survey(seed=0)
    >>> state = PlanState(graph, Closure(graph.n), number=1, excluding=frozenset({(0, 1)}))
    >>> planned = Greedy(round_size=10).plan(state, np.random.default_rng(0))
    >>> len(planned.pairs), (0, 1) in {(query.first, query.second) for query in planned.pairs}
    (10, False)
    """

    graph: CandidateGraph
    constraints: Constraints
    number: int
    """Number of the round to plan."""
    previous: Round | None = None
    """The round before; None for the first."""
    excluding: frozenset[Pair] = frozenset()
    """Pairs (first < second) not to be asked: on an annotator's screen, or skipped."""
    known: Collection[PairQuery] = ()
    """The pairs planned with terms so far, each as it was last planned, in the order of planning."""


class Strategy(Protocol):
    """A method of choosing questions; `plan` is a pure function of its arguments.

    `spotted.sampling.strategies.check_strategy` checks this contract.

    >>> from spotted.sampling import open_rows
    >>> from spotted.sampling.strategies import check_strategy
    >>> class InOrder:
    ...     def plan(self, state, rng):
    ...         rows = np.flatnonzero(open_rows(state.graph, state.constraints, state.excluding))
    ...         return Round(state.number, "in order", queries(state.graph, rows, state.graph.fused, "next"))
    >>> check_strategy(InOrder)
    """

    def plan(self, state: PlanState, rng: np.random.Generator) -> Round:
        """The next round of questions."""


class RoundQueue:
    """The current round of a session and how much of it has been asked.

    Holds no more than its constraints and the round, so that a replay of labels and rounds in their
    journalled order serves the same pairs.

    >>> from spotted.constraints import Answer, Closure, LabelledPair
    >>> queue = RoundQueue(Closure(3))
    >>> pairs = tuple(PairQuery(*pair, "by hand", 0.5) for pair in ((0, 1), (1, 2), (0, 2)))
    >>> queue.start(Round(1, "by hand", pairs))
    >>> queue.constraints.apply(LabelledPair("a", 0, 1, Answer.SAME)).effect.name
    'MERGED'
    >>> [(query.first, query.second) for query in queue.next_open_pairs(5)]
    [(1, 2)]
    """

    def __init__(self, constraints: Constraints) -> None:
        self.constraints = constraints
        self._round: Round | None = None
        self._position = 0
        self._answers = 0
        self._known: dict[Pair, PairQuery] = {}
        self._at: dict[int, list[int]] | None = None
        self._stands_for: dict[Pair, PairQuery] = {}

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
        self._round, self._position, self._answers, self._at = planned, 0, 0, None
        self._known |= {(query.first, query.second): query for query in planned.pairs if query.terms}

    def over(self, constraints: Constraints) -> RoundQueue:
        """The same round and the planned pairs of earlier ones, over constraints that were replayed."""
        queue = RoundQueue(constraints)
        queue._round, queue._answers = self._round, self._answers
        queue._known, queue._stands_for = self._known, self._stands_for
        return queue

    def learn_from(self, pair: Pair) -> None:
        """Let strategies learn from an answer that is about to be applied.

        A gallery may show other images of two components than those that were planned: the answer counts as
        one to these. What only fills galleries teaches a strategy once it is answered, not if it is implied.
        """
        asked = self._component_pair(*pair)
        if pair in self._known or asked[0] == asked[1]:
            return
        for query in self.about(asked[0]):
            if self._component_pair(query.first, query.second) == asked and query.terms:
                self._known.setdefault((query.first, query.second), query)
                self._stands_for[pair] = query

    def chance(self, pair: Pair) -> float | None:
        """The chance of SAME at which a pair (first < second) was planned, None if it had none."""
        query = self.planned(pair)
        return None if query is None else query.score

    def planned(self, pair: Pair) -> PairQuery | None:
        """The query with terms that a pair (first < second) was last planned as, or that it stands for."""
        return self._known.get(pair) or self._stands_for.get(pair)

    def open_pairs(self) -> Iterator[PairQuery]:
        """The pairs of the round that are open, in order."""
        pairs = self._round.pairs if self._round else ()
        # closed pairs stay closed: the leading ones are never examined again
        while self._position < len(pairs) and not self._is_open(pairs[self._position]):
            self._position += 1
        rest = (pairs[index] for index in range(self._position, len(pairs)))
        return filter(self._is_open, rest)

    def about(self, component: int) -> Iterator[PairQuery]:
        """The pairs of the round with an item of this component that are open, in order.

        With those that only fill galleries, which come last.
        """
        pairs = (*self._round.pairs, *self._round.beside) if self._round else ()
        if self._at is None:
            self._at = {}
            for index, query in enumerate(pairs):
                for item in (query.first, query.second):
                    self._at.setdefault(item, []).append(index)
        found = (self._at.get(item, ()) for item in self.constraints.members(component))
        return filter(self._is_open, (pairs[index] for index in sorted(chain.from_iterable(found))))

    def next_open_pairs(
        self, count: int, *, excluding: Collection[Pair] = (), busy: Collection[Pair] = ()
    ) -> list[PairQuery]:
        """Up to `count` pairs of the round, in order, each about two components of its own.

        excluding: pairs (first < second) not to be served, such as those that this annotator skipped.
        busy: pairs being asked elsewhere; no pair is served that their answers may imply.
        """
        excluded = set(excluding)
        asked = {self._component_pair(first, second) for first, second in busy}
        served: list[PairQuery] = []
        pairs = self.open_pairs()
        # stops at the last pair served: a long round would be read to its end each time
        while len(served) < count and (query := next(pairs, None)) is not None:
            components = self._component_pair(query.first, query.second)
            if components not in asked and (query.first, query.second) not in excluded:
                asked.add(components)
                served.append(query)
        return served

    def count_answers(self, count: int = 1) -> None:
        """Count answers that came while the round was served."""
        self._answers += count

    def is_stale(self) -> bool:
        """True if a newer round would be better, though this one may go on meanwhile."""
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
    """The rows of a graph as pair queries; `{score}` in the reason is replaced by the row's score."""
    return tuple(
        PairQuery(first, second, reason.format(score=f"{value:.2f}"), value)
        for first, second, value in zip(
            graph.first[rows].tolist(), graph.second[rows].tolist(), score[rows].tolist(), strict=True
        )
    )
