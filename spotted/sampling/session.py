"""A whole annotation session against an oracle: how many questions find how many positives."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spotted.constraints import Answer, Constraints, Effect, LabelledPair, Outcome
from spotted.errors import InvalidInputError
from spotted.sampling.candidates import CandidateGraph
from spotted.sampling.rounds import Pair, PairQuery, RoundQueue, Strategy
from spotted.survey import BoolArray, IntArray


@dataclass(frozen=True, slots=True)
class Curve:
    """Positives found against questions asked.

    found: (q,) positive image pairs known after each question, asked or implied.
    merged: (q,) whether the answer merged two components.
    total: positive image pairs of the survey.
    exhausted: True where the strategy had no more questions.
    """

    found: IntArray
    merged: BoolArray
    total: int
    exhausted: bool

    def questions_to(self, recall: float) -> int | None:
        """Questions until this share of the positives is known; None where it was not reached."""
        needed = positives_for(recall, self.total)
        if needed == 0:
            return 0
        index = int(np.searchsorted(self.found, needed))
        return index + 1 if index < len(self.found) else None


def simulate(
    graph: CandidateGraph,
    strategy: Strategy,
    truth: IntArray,
    *,
    seed: int,
    target: float = 1.0,
    max_questions: int | None = None,
    same_image: tuple[Pair, ...] = (),
) -> Curve:
    """Run plan, ask, answer, apply until the share `target` of positives is known.

    truth: (n,) the individual of every item.
    same_image: pairs that are two animals of one image, known beforehand.
    Stops as well when the strategy has no more questions, or after `max_questions`.
    Raises InvalidInputError where truth does not cover the graph.
    """
    if len(truth) != graph.n:
        raise InvalidInputError(f"truth names {len(truth)} items of {graph.n}; give one individual per item")
    constraints = Constraints(graph.n)
    for first, second in same_image:
        constraints.forbid(first, second)
    total = positive_pairs(truth)
    needed = positives_for(target, total)
    limit = math.inf if max_questions is None else max_questions
    found: list[int] = []
    merged: list[bool] = []
    exhausted = False
    queue = RoundQueue(constraints)
    questions = ask(queue, strategy, graph, seed=seed)
    while constraints.positives < needed and len(found) < limit:
        query = next(questions, None)
        if query is None:
            exhausted = True
            break
        outcome = answer_truly(constraints, query, truth)
        found.append(constraints.positives)
        merged.append(outcome.effect is Effect.MERGED)
    return Curve(np.array(found, dtype=np.int64), np.array(merged, dtype=np.bool_), total, exhausted)


def ask(queue: RoundQueue, strategy: Strategy, graph: CandidateGraph, *, seed: int) -> Iterator[PairQuery]:
    """The questions of a session one by one, planning a round whenever one is used up.

    Each question must be answered before the next is drawn. Ends with the first round without pairs.
    """
    while True:
        served = queue.next_open_pairs(1)
        if served:
            yield served[0]
            continue
        planned = queue.plan_next(strategy, graph, seed=seed)
        if not planned.pairs:
            return
        queue.start(planned)


def answer_truly(constraints: Constraints, query: PairQuery, truth: IntArray) -> Outcome:
    """Apply the true answer to a query."""
    same = truth[query.first] == truth[query.second]
    label_id = f"{query.first}-{query.second}"
    answer = Answer.SAME if same else Answer.DIFFERENT
    return constraints.apply(LabelledPair(label_id, query.first, query.second, answer))


def positive_pairs(truth: IntArray) -> int:
    """Number of unordered image pairs of one individual."""
    counts = np.unique(truth, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())


def positives_for(recall: float, total: int) -> int:
    """The fewest positives that make up this share of the total."""
    # rounding first: 0.95 * 20 is 19.000000000000004 in some orders of evaluation
    return math.ceil(round(recall * total, 9))
