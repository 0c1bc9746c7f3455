from __future__ import annotations

import numpy as np
import pytest

from spotted.arrays import BoolArray, IntArray
from spotted.constraints.answers import Answer
from spotted.errors import InvalidInputError
from spotted.sampling.candidate_graph import CandidateGraph
from spotted.simulation.annotators import MODELS, MOST_CHANCE, Annotator, annotator


def wrong(asked: Annotator, graph: CandidateGraph, truth: IntArray) -> BoolArray:
    """(m,) whether the annotator is wrong about each pair of the graph, asked once."""
    answers = [asked(a, b) for a, b in zip(graph.first.tolist(), graph.second.tolist(), strict=True)]
    same = truth[graph.first] == truth[graph.second]
    said = np.array([answer is Answer.SAME for answer in answers], dtype=np.bool_)
    mistaken: BoolArray = said != same
    return mistaken


@pytest.mark.parametrize("model", MODELS)
def test_at_rate_zero_every_answer_is_true(graph: CandidateGraph, truth: IntArray, model: str) -> None:
    assert not wrong(annotator(model, graph, truth, rate=0.0, seed=0), graph, truth).any()


@pytest.mark.parametrize("model", MODELS)
def test_equal_seeds_are_wrong_alike(graph: CandidateGraph, truth: IntArray, model: str) -> None:
    mistakes = [wrong(annotator(model, graph, truth, rate=0.1, seed=s), graph, truth) for s in (1, 1, 2)]
    assert (mistakes[0] == mistakes[1]).all()
    assert (mistakes[0] != mistakes[2]).any()


@pytest.mark.parametrize("model", ["independent", "persistent"])
def test_the_share_of_wrong_answers_is_the_rate(graph: CandidateGraph, truth: IntArray, model: str) -> None:
    shares = [wrong(annotator(model, graph, truth, rate=0.1, seed=s), graph, truth).mean() for s in range(5)]
    # five standard errors of 8,850 answers
    assert np.mean(shares) == pytest.approx(0.1, abs=0.016)


@pytest.mark.parametrize(
    ("model", "repeats"), [("independent", False), ("persistent", True), ("look-alike", True)]
)
def test_asking_again_repeats_only_persistent_mistakes(
    graph: CandidateGraph, truth: IntArray, model: str, *, repeats: bool
) -> None:
    asked = annotator(model, graph, truth, rate=0.1, seed=0)
    first, again = wrong(asked, graph, truth), wrong(asked, graph, truth)
    assert first.any()
    assert (first == again).all() == repeats
    assert [asked(b, a) for a, b in ((0, 1), (5, 9))] == [
        asked(a, b) for a, b in ((0, 1), (5, 9))
    ] or not repeats


def test_look_alikes_are_taken_for_one_individual_and_never_one_for_two(
    graph: CandidateGraph, truth: IntArray
) -> None:
    apart = truth[graph.first] != truth[graph.second]
    mistakes = np.mean(
        [wrong(annotator("look-alike", graph, truth, rate=0.1, seed=s), graph, truth) for s in range(200)],
        axis=0,
    )
    assert (mistakes[~apart] == 0).all()
    order = np.argsort(graph.visual[apart])
    shares = [float(third.mean()) for third in np.array_split(mistakes[apart][order], 3)]
    assert shares[0] < shares[1] < shares[2]
    assert mistakes.max() <= MOST_CHANCE + 0.2


def test_the_rate_of_look_alikes_is_that_of_the_most_alike_images_of_two_individuals(
    graph: CandidateGraph, truth: IntArray
) -> None:
    most_alike: dict[tuple[int, int], int] = {}
    for row, (a, b) in enumerate(zip(truth[graph.first].tolist(), truth[graph.second].tolist(), strict=True)):
        pair = (min(a, b), max(a, b))
        if a != b and (pair not in most_alike or graph.visual[row] > graph.visual[most_alike[pair]]):
            most_alike[pair] = row
    rows = list(most_alike.values())
    shares = [
        wrong(annotator("look-alike", graph, truth, rate=0.1, seed=s), graph, truth)[rows].mean()
        for s in range(200)
    ]
    assert np.mean(shares) == pytest.approx(0.1, abs=0.01)


def test_an_unknown_model_and_a_rate_out_of_range_are_refused(graph: CandidateGraph, truth: IntArray) -> None:
    with pytest.raises(InvalidInputError, match="'drunk' is not one of independent, persistent, look-alike"):
        annotator("drunk", graph, truth, rate=0.1, seed=0)
    for rate in (-0.1, 0.6):
        with pytest.raises(InvalidInputError, match="not between 0 and"):
            annotator("persistent", graph, truth, rate=rate, seed=0)


def test_a_rate_that_look_alikes_cannot_reach_is_refused(graph: CandidateGraph, truth: IntArray) -> None:
    blind = np.zeros_like(graph.visual)
    blind[(truth[graph.first] != truth[graph.second]).argmax()] = 1.0
    unlike = CandidateGraph(graph.n, graph.first, graph.second, blind, graph.feasibility, blind)
    with pytest.raises(InvalidInputError, match="lower the rate"):
        annotator("look-alike", unlike, truth, rate=0.1, seed=0)
