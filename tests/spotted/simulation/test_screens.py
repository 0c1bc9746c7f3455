from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from spotted.arrays import IntArray
from spotted.constraints.answers import Answer
from spotted.constraints.verified import Verified
from spotted.sampling.candidate_graph import CandidateGraph
from spotted.sampling.rounds import Pair
from spotted.sampling.strategies.ranked import Greedy
from spotted.simulation.annotators import truthful
from spotted.simulation.screens import ScreenCurve, simulate_screens
from spotted.simulation.session import simulate_session


class Noted:
    """An annotator who is never wrong, and notes which pairs were asked."""

    def __init__(self, truth: IntArray) -> None:
        self.asked: list[Pair] = []
        self._right = truthful(truth)

    def __call__(self, first: int, second: int) -> Answer:
        self.asked.append((first, second))
        return self._right(first, second)


def screens(graph: CandidateGraph, truth: IntArray, size: int, **settings: object) -> ScreenCurve:
    fields = {"seed": 0, "size": size, "answer": truthful(truth)} | settings
    return simulate_screens(graph, Greedy(), truth, **fields)  # type: ignore[arg-type] # any of its settings


@pytest.mark.parametrize("bursts", [(), ((0, 1, 2), (5, 9))])
def test_screens_of_pairs_are_the_questions_of_a_session(
    graph: CandidateGraph, truth: IntArray, bursts: Sequence[tuple[int, ...]]
) -> None:
    curve = screens(graph, truth, 1, bursts=bursts)
    questions = simulate_session(graph, Greedy(), truth, seed=0, bursts=bursts)
    assert curve.found.tolist() == questions.found.tolist()
    assert curve.joined.tolist() == curve.found.tolist()
    assert (curve.answers[len(bursts) :] == 1).all()


def test_galleries_find_every_positive_on_fewer_screens_and_ask_no_pair_twice(
    graph: CandidateGraph, truth: IntArray
) -> None:
    pairs = screens(graph, truth, 1)
    noted = Noted(truth)
    curve = screens(graph, truth, 4, answer=noted)
    assert curve.found[-1] == curve.total == pairs.total
    assert len(curve.found) < len(pairs.found)
    assert 1 < curve.answers.max() <= 4
    assert (
        len(noted.asked) == len(set(noted.asked)) == curve.answers.sum() == curve.answers_by(len(curve.found))
    )


def test_a_share_counts_only_at_the_precision_wanted(graph: CandidateGraph, truth: IntArray) -> None:
    curve = screens(graph, truth, 4, answer=truthful(np.zeros_like(truth)), max_answers=200)
    assert curve.screens_to(0.95) is not None
    assert curve.screens_to(0.95, precision=0.99) is None
    assert curve.joined[-1] > curve.found[-1]


def test_a_session_ends_at_its_target_and_at_its_most_answers(graph: CandidateGraph, truth: IntArray) -> None:
    whole = screens(graph, truth, 4)
    half = screens(graph, truth, 4, target=0.5)
    assert len(half.found) == whole.screens_to(0.5)
    short = screens(graph, truth, 4, max_answers=10)
    assert short.answers[:-1].sum() < 10 <= short.answers.sum()


def test_checks_are_asked_as_pairs_before_the_next_gallery(graph: CandidateGraph, truth: IntArray) -> None:
    constraints, due = Verified(graph.n), [(0, 1), (2, 3)]
    noted = Noted(truth)
    curve = screens(
        graph, truth, 4, answer=noted, constraints=constraints, checks=lambda: due.pop() if due else None,
        max_answers=20,
    )  # fmt: skip
    assert noted.asked[:2] == [(2, 3), (0, 1)]
    assert curve.answers[:2].tolist() == [1, 1]


def test_animals_of_one_image_are_never_asked_about(graph: CandidateGraph, truth: IntArray) -> None:
    noted = Noted(truth)
    apart = np.argwhere(truth[:, None] != truth[None, :])
    same_image = [(a, b) for a, b in apart.tolist() if a < b][:5]
    screens(graph, truth, 4, answer=noted, same_image=tuple(same_image))
    assert not set(same_image) & set(noted.asked)
