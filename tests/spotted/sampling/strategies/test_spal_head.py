from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from spotted.arrays import IntArray
from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.closure import Closure
from spotted.constraints.interface import Constraints
from spotted.sampling.candidate_graph import CandidateGraph
from spotted.sampling.strategies import spal_head
from spotted.sampling.strategies.clustering import NOISE
from spotted.sampling.strategies.head_training import HeadTraining
from spotted.sampling.strategies.spal_head import retrained


@pytest.fixture
def answers(truth: IntArray) -> Constraints:
    """Half of the items grouped by their true individuals, individuals kept apart."""
    constraints = Closure(len(truth))
    for a in range(30):
        for b in range(a):
            answer = Answer.SAME if truth[a] == truth[b] else Answer.DIFFERENT
            constraints.apply(LabelledPair(f"{a}-{b}", b, a, answer))
    return constraints


def relearnt(
    graph: CandidateGraph, constraints: Constraints, seed: int = 0, **values: float
) -> CandidateGraph:
    clusters = np.full(graph.n, NOISE, dtype=np.int64)
    for number, members in enumerate(part for part in constraints.components() if len(part) > 1):
        clusters[list(members)] = number
    training = replace(HeadTraining(), **values)  # type: ignore[arg-type]  # ints and floats alike
    return retrained(graph, constraints, clusters, training, np.random.default_rng(seed))


def gap(graph: CandidateGraph, truth: IntArray) -> float:
    """How much more alike pairs of one individual are than others, among the first 30 items."""
    among = graph.second < 30
    same = truth[graph.first] == truth[graph.second]
    return float(graph.visual[among & same].mean() - graph.visual[among & ~same].mean())


def test_untrained_head_leaves_scores_as_they_are(graph: CandidateGraph, answers: Constraints) -> None:
    untrained = relearnt(graph, answers, epochs=0)
    np.testing.assert_allclose(untrained.visual, graph.visual, atol=1e-6)
    np.testing.assert_allclose(untrained.fused, graph.fused, atol=1e-6)


def test_learning_pulls_individuals_apart(
    graph: CandidateGraph, truth: IntArray, answers: Constraints
) -> None:
    assert gap(relearnt(graph, answers, epochs=100), truth) > gap(graph, truth) + 0.1


@pytest.mark.parametrize("left_out", ["clusters", "pairs"])
def test_each_loss_teaches_alone(
    graph: CandidateGraph, truth: IntArray, answers: Constraints, left_out: str
) -> None:
    if left_out == "pairs":
        learnt = relearnt(graph, answers, epochs=100, triplet_weight=0.0)
    else:
        no_clusters = np.full(graph.n, NOISE, dtype=np.int64)
        learnt = retrained(graph, answers, no_clusters, HeadTraining(epochs=100), np.random.default_rng(0))
    assert gap(learnt, truth) > gap(graph, truth) + 0.05


def test_nothing_to_learn_from_leaves_scores_as_they_are(graph: CandidateGraph) -> None:
    np.testing.assert_allclose(relearnt(graph, Closure(graph.n)).visual, graph.visual, atol=1e-6)


def test_equal_seeds_give_equal_scores_and_torch_keeps_its_threads(
    graph: CandidateGraph, answers: Constraints
) -> None:
    threads = torch.get_num_threads()
    first, again = relearnt(graph, answers, seed=4), relearnt(graph, answers, seed=4)
    assert (first.fused == again.fused).all()
    assert not (first.fused == relearnt(graph, answers, seed=5).fused).all()
    assert torch.get_num_threads() == threads


def test_fused_is_visual_times_feasibility_and_visual_if_that_is_unknown(
    graph: CandidateGraph, answers: Constraints
) -> None:
    learnt = relearnt(graph, answers)
    unknown = np.isnan(graph.feasibility)
    assert unknown.any()
    assert (learnt.fused[unknown] == learnt.visual[unknown]).all()
    known = learnt.visual[~unknown] * graph.feasibility[~unknown]
    np.testing.assert_allclose(learnt.fused[~unknown], known, rtol=1e-6)
    assert learnt.visual.min() >= 0.0


def test_a_batch_smaller_than_the_survey_still_teaches(
    graph: CandidateGraph, truth: IntArray, answers: Constraints
) -> None:
    learnt = relearnt(graph, answers, epochs=100, batch=8)
    assert gap(learnt, truth) > gap(graph, truth) + 0.1


def test_a_graph_without_embeddings_is_left_alone(graph: CandidateGraph, answers: Constraints) -> None:
    blind = replace(graph, embeddings=None)
    assert relearnt(blind, answers) is blind


@pytest.mark.parametrize("sparse", [0.0, 1.0])
def test_scores_are_inner_products_however_they_are_computed(
    graph: CandidateGraph, sparse: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spal_head, "SPARSE", sparse)
    monkeypatch.setattr(spal_head, "BLOCK", 13)
    scores = relearnt(graph, Closure(graph.n)).visual
    assert graph.embeddings is not None
    inner = (graph.embeddings[graph.first] * graph.embeddings[graph.second]).sum(axis=1)
    np.testing.assert_allclose(scores, np.maximum(inner, 0), atol=1e-6)


def test_a_wider_embedding_of_the_same_vectors_is_moved_no_further(
    graph: CandidateGraph, truth: IntArray, answers: Constraints
) -> None:
    """A rotation into more dimensions changes no inner product, and each weight there takes a step too."""
    assert graph.embeddings is not None
    dimension = graph.embeddings.shape[1]
    turned = np.linalg.qr(np.random.default_rng(0).normal(size=(64 * dimension, dimension)))[0].T
    wide = replace(graph, embeddings=(graph.embeddings @ turned).astype(np.float32))
    gains = [gap(relearnt(g, answers, epochs=30), truth) - gap(g, truth) for g in (graph, wide)]
    assert 0 < gains[1] < gains[0]
