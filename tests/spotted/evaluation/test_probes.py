import numpy as np
import pytest

from spotted.arrays import Float32Array, IntArray
from spotted.errors import PreconditionError
from spotted.evaluation.probes import (
    classify_by_neighbours,
    classify_linearly,
    measure_unseen,
    run_probes,
)
from spotted.scoring import unit_rows


def drawn(animals: int, each: int, *, noise: float, seed: int = 0) -> tuple[Float32Array, IntArray]:
    """Unit vectors of animals around their centres, and the animal of each."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(animals), each)
    return unit_rows(
        rng.normal(size=(animals, 6))[labels] + noise * rng.normal(size=(len(labels), 6))
    ), labels


def test_neighbours_vote_as_in_a_plain_loop() -> None:
    vectors, labels = drawn(5, 6, noise=1.0)
    queries, _ = drawn(5, 4, noise=1.0, seed=3)
    found = classify_by_neighbours(vectors, labels + 10, queries, neighbours=7, temperature=0.2)
    for query, label in zip(queries, found.tolist(), strict=True):
        cosines = sorted(((float(query @ one), row) for row, one in enumerate(vectors)), reverse=True)[:7]
        votes = dict.fromkeys(range(10, 15), 0.0)
        for cosine, row in cosines:
            votes[int(labels[row]) + 10] += float(np.exp(cosine / 0.2))
        assert label == max(votes, key=lambda kind: (votes[kind], -kind))


def test_fewer_vectors_than_neighbours_all_vote() -> None:
    vectors, labels = drawn(2, 3, noise=0.1)
    assert classify_by_neighbours(vectors, labels, vectors).tolist() == labels.tolist()


def test_a_linear_layer_finds_a_direction_that_neighbours_miss() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 100)
    rows = rng.normal(size=(200, 30))
    # one direction of thirty is the label, the others are noise
    rows[:, 0] = np.where(labels == 1, 1.5, -1.5)
    vectors = unit_rows(rows)
    train, test = np.arange(0, 200, 2), np.arange(1, 200, 2)
    linear = classify_linearly(vectors[train], labels[train], vectors[test]) == labels[test]
    near = classify_by_neighbours(vectors[train], labels[train], vectors[test], neighbours=1) == labels[test]
    assert linear.mean() == 1.0 > near.mean()
    assert classify_linearly(vectors[:3], np.full(3, 4), vectors[3:5]).tolist() == [4, 4]


def test_only_unseen_individuals_query_and_all_are_candidates() -> None:
    vectors, labels = drawn(6, 4, noise=0.9)
    names = [f"animal {label}" for label in labels]
    seen = labels < 3
    found = measure_unseen(vectors, names, seen)
    assert found.queries == 12
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -2.0)
    best = cosines.argmax(axis=1)
    assert found.top[1] == pytest.approx((labels[best] == labels)[~seen].mean())


def test_probes_judge_half_of_each_seen_individual() -> None:
    vectors, labels = drawn(8, 5, noise=0.05)
    names = ["" if label == 7 else f"animal {label}" for label in labels]
    probes = run_probes(vectors, names, labels < 4, np.random.default_rng(0))
    assert (probes.judged, probes.neighbours, probes.linear) == (8, 1.0, 1.0)
    assert probes.unseen.queries == 15
    assert probes.unseen.mean_average_precision > 0.95


def test_without_two_photographs_of_one_seen_individual_there_is_nothing_to_probe() -> None:
    vectors, labels = drawn(4, 1, noise=0.1)
    names = [f"animal {label}" for label in labels]
    with pytest.raises(PreconditionError, match="no individual that training saw has two photographs"):
        run_probes(vectors, names, labels < 4, np.random.default_rng(0))
