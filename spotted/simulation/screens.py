"""Simulated sessions in which a screen shows a gallery, a pair, or the frames of a burst.

The screens are laid out by the functions with which the sampler lays out those of a session.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from spotted.arrays import IntArray
from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.closure import Closure
from spotted.constraints.interface import Constraints
from spotted.counting import count_of_share, same_pairs
from spotted.sampling.candidate_graph import CandidateGraph
from spotted.sampling.questions import Kind, Question, burst_questions, galleries, pair_question
from spotted.sampling.rounds import Pair, PairQuery, RoundQueue, Strategy
from spotted.simulation.agreement import true_positives
from spotted.simulation.annotators import Annotator

CHECK_REASON = "checks an earlier answer"


@dataclass(frozen=True, slots=True)
class ScreenCurve:
    """Positives found against the screens of a session."""

    found: IntArray
    """(s,) true positive image pairs known after each screen."""
    joined: IntArray
    """(s,) image pairs taken for one animal after each screen, right or wrong."""
    answers: IntArray
    """(s,) pairs that were judged on each screen."""
    total: int
    """Positive image pairs of the survey."""

    def screens_to(self, recall: float, *, precision: float = 0.0) -> int | None:
        """Screens until this share of the positives is known at this pair precision; None if never.

        >>> curve = ScreenCurve(np.array([1, 8, 10]), np.array([1, 10, 10]), np.array([1, 4, 2]), 10)
        >>> curve.screens_to(0.8), curve.screens_to(0.8, precision=0.9), curve.answers_by(2)
        (2, 3, 5)
        """
        enough = self.found >= count_of_share(recall, self.total)
        reached = np.flatnonzero(enough & (self.found >= precision * self.joined))
        return int(reached[0]) + 1 if len(reached) else None

    def answers_by(self, screens: int) -> int:
        """Pairs judged on the first screens."""
        return int(self.answers[:screens].sum())


def simulate_screens(
    graph: CandidateGraph,
    strategy: Strategy,
    truth: IntArray,
    *,
    seed: int,
    size: int,
    answer: Annotator,
    constraints: Constraints | None = None,
    checks: Callable[[], Pair | None] | None = None,
    bursts: Sequence[tuple[int, ...]] = (),
    target: float = 1.0,
    precision: float = 0.0,
    max_answers: int | None = None,
    same_image: tuple[Pair, ...] = (),
) -> ScreenCurve:
    """Run plan, show, answer, apply until the share `target` of positives is known at this pair precision.

    truth: (n,) the individual of every item. size: most candidates of a gallery; 1 shows only pairs.
    bursts: frames that are shown together at first. Otherwise as `simulate_session`.
    """
    folded = Closure(graph.n) if constraints is None else constraints
    for first, second in same_image:
        folded.forbid(first, second)
    queue = RoundQueue(folded)
    total = same_pairs(truth)
    needed, limit = count_of_share(target, total), math.inf if max_answers is None else max_answers
    found, joined, answers, given = list[int](), list[int](), list[int](), 0
    for question in _questions(queue, strategy, graph, seed=seed, size=size, checks=checks, bursts=bursts):
        answers.append(_answer(queue, question, answer, given))
        given += answers[-1]
        joined.append(folded.positives)
        found.append(true_positives(folded.component_ids(), truth))
        done = found[-1] >= needed and found[-1] >= precision * joined[-1]
        if done or given >= limit:
            break
    return ScreenCurve(
        np.array(found, np.int64), np.array(joined, np.int64), np.array(answers, np.int64), total
    )


def _questions(
    queue: RoundQueue,
    strategy: Strategy,
    graph: CandidateGraph,
    *,
    seed: int,
    size: int,
    checks: Callable[[], Pair | None] | None,
    bursts: Sequence[tuple[int, ...]],
) -> Iterator[Question]:
    """The screens of a session one by one; each must be answered before the next is drawn."""
    yield from burst_questions(queue.constraints, bursts)
    while True:
        check = checks and checks()
        if check:
            yield pair_question(PairQuery(*check, CHECK_REASON, 0.0))
            continue
        question = None if queue.is_stale() else _next(queue, size)
        if question is None:
            queue.start(queue.plan_next(strategy, graph, seed=seed))
            question = _next(queue, size)
        if question is None:
            return
        yield question


def _next(queue: RoundQueue, size: int) -> Question | None:
    return next(galleries(queue.constraints, queue.open_pairs(), queue.about, size), None)


def _answer(queue: RoundQueue, question: Question, answer: Annotator, given: int) -> int:
    """Answer the pairs of a screen; the number of pairs judged."""
    said = [(query, answer(query.first, query.second)) for query in question.pairs]
    if question.kind is Kind.BURST and any(each is not Answer.SAME for _, each in said):
        return 1
    for number, (query, each) in enumerate(said, given):
        pair = (min(query.first, query.second), max(query.first, query.second))
        # a pair may be asked again, and every label has an id of its own
        label = LabelledPair(f"{number}:{pair[0]}-{pair[1]}", *pair, each)
        queue.learn_from(pair)
        queue.constraints.apply(label, "", queue.chance(pair))
        queue.count_answers()
    return len(said)
