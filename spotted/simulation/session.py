"""Simulated annotation sessions: the positives found by the questions of a whole session."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from spotted.arrays import BoolArray, IntArray
from spotted.constraints.answers import Answer, LabelledPair, LabelOutcome
from spotted.constraints.closure import Closure
from spotted.constraints.interface import Constraints
from spotted.counting import count_of_share, same_pairs
from spotted.errors import InvalidInputError
from spotted.sampling.candidate_graph import CandidateGraph
from spotted.sampling.questions import burst_questions
from spotted.sampling.rounds import Pair, PairQuery, RoundQueue, Strategy
from spotted.simulation.agreement import Agreement, measure_agreement, true_positives
from spotted.simulation.annotators import Annotator, truthful


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Agreement of the components of a session with the truth, after a number of questions."""

    questions: int
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class Curve:
    """Positives found against questions asked."""

    found: IntArray
    """(q,) true positive image pairs known after each question; falls if a right component is split."""
    merged: BoolArray
    """(q,) True if the answer left fewer components than there were."""
    total: int
    """Positive image pairs of the survey."""
    exhausted: bool
    """True if the strategy had no more questions."""
    checkpoints: tuple[Checkpoint, ...] = ()
    """Ascending by questions, the last at the end of the session."""

    def questions_to(self, recall: float) -> int | None:
        """Questions until this share of the positives is known; None if it was not reached."""
        return questions_to(self.found, self.total, recall)


def simulate_session(
    graph: CandidateGraph,
    strategy: Strategy,
    truth: IntArray,
    *,
    seed: int,
    answer: Annotator | None = None,
    constraints: Constraints | None = None,
    checks: Callable[[], Pair | None] | None = None,
    bursts: Sequence[tuple[int, ...]] = (),
    target: float = 1.0,
    max_questions: int | None = None,
    checkpoints: Collection[int] = (),
    same_image: tuple[Pair, ...] = (),
) -> Curve:
    """Run plan, ask, answer, apply until the share `target` of positives is known.

    truth: (n,) the individual of every item.
    answer: the annotator; None is one who is never wrong.
    constraints: constraints to apply the answers to, without any so far; None accepts every answer.
    checks: returns a pair to ask before the strategy is asked, None if there is nothing to check.
    bursts: frames that are asked about together at first, each once: "are they one animal?"
    checkpoints: numbers of questions after which the components are compared with the truth.
    same_image: pairs that are two animals of one image, known beforehand.
    Stops as well when the strategy has no more questions, or after `max_questions`.
    Raises InvalidInputError if truth does not cover the graph.

    >>> from spotted.sampling.candidate_graph import from_candidates
    >>> from spotted.sampling.strategies.ranked import Greedy
    >>> score = np.array([0.9, 0.2, 0.4])
    >>> graph = from_candidates(
    ...     3, np.array([0, 0, 1]), np.array([1, 2, 2]), visual=score, feasibility=score, fused=score
    ... )
    >>> curve = simulate_session(graph, Greedy(), np.array([0, 0, 0]), seed=0)
    >>> curve.found.tolist(), curve.total, curve.questions_to(0.9)
    ([1, 3], 3, 2)
    """
    folded = Closure(graph.n) if constraints is None else constraints
    if not len(truth) == graph.n == folded.items:
        raise InvalidInputError(
            f"truth names {len(truth)} items and constraints hold {folded.items} of {graph.n}; "
            "give one individual per item"
        )
    for first, second in same_image:
        folded.forbid(first, second)
    tally = _Tally(folded, truth, frozenset(checkpoints))
    asked = answer or truthful(truth)
    needed = count_of_share(target, tally.total)
    limit = math.inf if max_questions is None else max_questions
    queue = RoundQueue(folded)
    exhausted = False
    for question in burst_questions(folded, bursts):
        _answer_burst(queue, [(query.first, query.second) for query in question.pairs], asked)
        tally.count()
    while tally.positives < needed and len(tally.found) < limit:
        pair = (checks and checks()) or _planned_pair(queue, strategy, graph, seed)
        if pair is None:
            exhausted = True
            break
        _answer(queue, len(tally.found), pair, asked(*pair))
        tally.count()
    return tally.curve(exhausted=exhausted)


def _answer(queue: RoundQueue, number: int, pair: Pair, answer: Answer) -> None:
    """Take an answer of the only annotator into account."""
    # a pair may be asked again, and every label has an id of its own
    label = LabelledPair(f"{number}:{pair[0]}-{pair[1]}", *pair, answer)
    queue.constraints.apply(label, "", queue.chance(pair))
    queue.count_answers()


def _answer_burst(queue: RoundQueue, pairs: Sequence[Pair], asked: Annotator) -> None:
    """One answer about all frames: they are one animal if each pair is."""
    if all(asked(*pair) is Answer.SAME for pair in pairs):
        for number, pair in enumerate(pairs):
            _answer(queue, -number - 1, pair, Answer.SAME)


def ask(queue: RoundQueue, strategy: Strategy, graph: CandidateGraph, *, seed: int) -> Iterator[PairQuery]:
    """The questions of a session one by one, planning a round whenever one is used up or stale.

    Each question must be answered before the next is drawn. Ends with the first round that serves nothing.
    """
    while True:
        served = [] if queue.is_stale() else queue.next_open_pairs(1)
        if not served:
            queue.start(queue.plan_next(strategy, graph, seed=seed))
            served = queue.next_open_pairs(1)
        if not served:
            return
        yield served[0]


def _planned_pair(queue: RoundQueue, strategy: Strategy, graph: CandidateGraph, seed: int) -> Pair | None:
    query = next(ask(queue, strategy, graph, seed=seed), None)
    return None if query is None else (query.first, query.second)


def answer_truly(constraints: Constraints, query: PairQuery, truth: IntArray) -> LabelOutcome:
    """Apply the true answer to a query."""
    same = truth[query.first] == truth[query.second]
    label_id = f"{query.first}-{query.second}"
    answer = Answer.SAME if same else Answer.DIFFERENT
    return constraints.apply(LabelledPair(label_id, query.first, query.second, answer))


def questions_to(found: IntArray, total: int, share: float) -> int | None:
    """Questions until a share of the total was found, 0 if nothing is needed; None if it was not reached.

    found: (q,) number found after each question; it may fall again.

    >>> questions_to(np.array([0, 3, 3, 19]), total=20, share=0.95)
    4
    """
    needed = count_of_share(share, total)
    reached = np.flatnonzero(found >= needed)
    if not needed:
        return 0
    return int(reached[0]) + 1 if len(reached) else None


class _Tally:
    """The counts after every answer of a session."""

    def __init__(self, constraints: Constraints, truth: IntArray, checkpoints: frozenset[int]) -> None:
        self.total = same_pairs(truth)
        self.positives = 0
        self.found: list[int] = []
        self._merged: list[bool] = []
        self._checkpoints: list[Checkpoint] = []
        self._constraints, self._truth, self._at = constraints, truth, checkpoints
        self._known = self._size()

    def count(self) -> None:
        """Take one more answer into account."""
        size = self._size()
        self._merged.append(size[0] < self._known[0])
        # most answers join and split nothing
        if size != self._known:
            self.positives = true_positives(self._constraints.component_ids(), self._truth)
            self._known = size
        self.found.append(self.positives)
        if len(self.found) in self._at:
            self._compare()

    def curve(self, *, exhausted: bool) -> Curve:
        """All that was counted."""
        if not self._checkpoints or self._checkpoints[-1].questions < len(self.found):
            self._compare()
        found, merged = np.array(self.found, dtype=np.int64), np.array(self._merged, dtype=np.bool_)
        return Curve(found, merged, self.total, exhausted, tuple(self._checkpoints))

    def _size(self) -> tuple[int, int]:
        return self._constraints.component_count, self._constraints.positives

    def _compare(self) -> None:
        compared = measure_agreement(self._constraints.component_ids(), self._truth)
        self._checkpoints.append(Checkpoint(len(self.found), compared))
