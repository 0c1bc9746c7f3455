from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN

from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.closure import Closure
from spotted.constraints.interface import Constraints
from spotted.errors import PreconditionError
from spotted.sampling.candidate_graph import CandidateGraph
from spotted.sampling.strategies.clustering import NOISE, choose_eps, constrained_dbscan


def complete_graph(fused: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> CandidateGraph:
    n = len(fused)
    first, second = (side.astype(np.int64) for side in np.triu_indices(n, 1))
    score = fused[first, second].astype(np.float32)
    return CandidateGraph(n, first, second, score, np.ones_like(score), score)


def random_graph(n: int, seed: int) -> CandidateGraph:
    rng = np.random.default_rng(seed)
    return complete_graph(rng.random((n, n), dtype=np.float32))


def labelled(n: int, seed: int, labels: int) -> Constraints:
    """Random true answers about random individuals."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, max(1, n // 3), n)
    constraints = Closure(n)
    for number in range(labels):
        a, b = rng.choice(n, 2, replace=False).tolist()
        answer = Answer.SAME if truth[a] == truth[b] else Answer.DIFFERENT
        constraints.apply(LabelledPair(str(number), a, b, answer))
    return constraints


@given(st.integers(2, 20), st.integers(0, 100), st.floats(0.02, 0.6), st.integers(2, 4))
def test_without_labels_core_items_cluster_as_in_plain_dbscan(
    n: int, seed: int, eps: float, min_samples: int
) -> None:
    graph = random_graph(n, seed)
    clusters = constrained_dbscan(graph, Closure(n), eps=eps, min_samples=min_samples)
    distance = np.zeros((n, n))
    distance[graph.first, graph.second] = distance[graph.second, graph.first] = 1.0 - graph.fused.astype(
        float
    )
    plain = DBSCAN(eps=eps, min_samples=min_samples, metric="precomputed").fit(distance)
    assert ((clusters == NOISE) == (plain.labels_ == NOISE)).all()
    core = plain.core_sample_indices_
    # a border item may belong to either of two clusters, a core item to one alone
    ours, theirs = clusters[core], plain.labels_[core]
    assert ((ours[:, None] == ours) == (theirs[:, None] == theirs)).all()


@given(st.integers(2, 20), st.integers(0, 100), st.integers(0, 40), st.floats(0.02, 0.9))
def test_clusters_respect_every_label(n: int, seed: int, labels: int, eps: float) -> None:
    constraints = labelled(n, seed, labels)
    clusters = constrained_dbscan(random_graph(n, seed + 1), constraints, eps=eps)
    for a in range(n):
        for b in range(a):
            known = constraints.implied(a, b)
            if known is Answer.SAME:
                assert clusters[a] == clusters[b] != NOISE
            if known is Answer.DIFFERENT:
                assert clusters[a] != clusters[b] or clusters[a] == NOISE


def test_a_cluster_does_not_cross_a_cannot_link_of_a_distant_member() -> None:
    fused = np.zeros((3, 3), dtype=np.float32)
    fused[0, 1] = fused[1, 2] = 0.9
    constraints = Closure(3)
    constraints.forbid(0, 2)
    assert constrained_dbscan(complete_graph(fused), constraints, eps=0.5).tolist() == [0, 0, 1]


def test_labels_join_what_scores_do_not() -> None:
    constraints = Closure(3)
    constraints.apply(LabelledPair("a", 0, 2, Answer.SAME))
    clusters = constrained_dbscan(complete_graph(np.zeros((3, 3), np.float32)), constraints, eps=0.1)
    assert clusters.tolist() == [0, NOISE, 0]


def test_chosen_eps_is_the_largest_that_keeps_clusters_small() -> None:
    graph, constraints = random_graph(40, 5), Closure(40)
    eps = choose_eps(graph, constraints, largest=8)

    def biggest(value: float) -> int:
        clusters = constrained_dbscan(graph, constraints, eps=value)
        return int(np.bincount(clusters[clusters != NOISE], minlength=1).max())

    assert biggest(eps) <= 8 < biggest(eps + 0.01)


def test_chosen_eps_tolerates_an_individual_larger_than_the_limit() -> None:
    constraints = Closure(6)
    for item in range(1, 5):
        constraints.apply(LabelledPair(str(item), 0, item, Answer.SAME))
    assert choose_eps(complete_graph(np.zeros((6, 6), np.float32)), constraints, largest=2) == 0.99


def test_graph_beyond_the_constraints_is_refused() -> None:
    with pytest.raises(PreconditionError, match="add the items"):
        constrained_dbscan(random_graph(4, 0), Closure(3), eps=0.5)
