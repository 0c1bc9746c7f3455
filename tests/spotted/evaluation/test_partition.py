from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from spotted.errors import InvalidInputError
from spotted.evaluation.partition import measure_partition

names = st.lists(st.sampled_from(["", "a", "b", "c"]), min_size=1, max_size=12)


@given(truth=names, data=st.data())
def test_pair_precision_and_recall_are_those_of_a_loop_over_pairs(
    truth: list[str], data: st.DataObject
) -> None:
    if not any(truth):
        truth = [*truth[1:], "a"]
    parts = data.draw(st.lists(st.sampled_from(["", *"xyz"]), min_size=len(truth), max_size=len(truth)))
    joined = true = both = 0
    for i, j in itertools.combinations(range(len(truth)), 2):
        if truth[i] and truth[j]:
            together = bool(parts[i]) and parts[i] == parts[j]
            joined += together
            true += truth[i] == truth[j]
            both += together and truth[i] == truth[j]
    metrics = measure_partition(parts, truth)
    assert metrics.detections == sum(map(bool, truth))
    assert metrics.pair_precision == pytest.approx(both / joined if joined else 1.0)
    assert metrics.pair_recall == pytest.approx(both / true if true else 1.0)


@given(truth=names, data=st.data())
def test_the_adjusted_rand_index_is_that_of_scikit_learn(truth: list[str], data: st.DataObject) -> None:
    truth = [one or "a" for one in truth]
    parts = data.draw(st.lists(st.sampled_from("xyz"), min_size=len(truth), max_size=len(truth)))
    found = measure_partition(parts, truth).adjusted_rand
    assert found == pytest.approx(adjusted_rand_score(truth, parts), abs=1e-12)


@given(truth=names, data=st.data())
def test_b_cubed_is_that_of_a_loop_over_detections(truth: list[str], data: st.DataObject) -> None:
    if not any(truth):
        truth = [*truth[1:], "a"]
    parts = data.draw(st.lists(st.sampled_from("xyz"), min_size=len(truth), max_size=len(truth)))
    known = [(part, animal) for part, animal in zip(parts, truth, strict=True) if animal]
    right = [sum(pair == other for other in known) for pair in known]
    precision = np.mean(
        [n / sum(p == part for p, _ in known) for n, (part, _) in zip(right, known, strict=True)]
    )
    recall = np.mean(
        [n / sum(a == animal for _, a in known) for n, (_, animal) in zip(right, known, strict=True)]
    )
    metrics = measure_partition(parts, truth)
    assert metrics.b_cubed_precision == pytest.approx(precision)
    assert metrics.b_cubed_recall == pytest.approx(recall)


def test_b_cubed_of_a_hand_computed_partition() -> None:
    metrics = measure_partition(["x", "x", "y"], ["a", "b", "b"])
    assert metrics.b_cubed_precision == pytest.approx((0.5 + 0.5 + 1.0) / 3)
    assert metrics.b_cubed_recall == pytest.approx((1.0 + 0.5 + 0.5) / 3)


def test_detections_without_a_part_are_joined_to_nothing() -> None:
    metrics = measure_partition(["", "", "x"], ["a", "a", "b"])
    assert (metrics.pair_precision, metrics.pair_recall) == (1.0, 0.0)
    assert (metrics.b_cubed_precision, metrics.b_cubed_recall) == pytest.approx((1.0, (0.5 + 0.5 + 1.0) / 3))


@given(truth=names.filter(any))
def test_the_true_partition_is_perfect(truth: list[str]) -> None:
    metrics = measure_partition(truth, truth)
    assert (metrics.pair_precision, metrics.pair_recall) == (1.0, 1.0)
    assert (metrics.b_cubed_precision, metrics.b_cubed_recall) == pytest.approx((1.0, 1.0))


def test_partitions_of_other_detections_or_of_unknown_ones_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="2 parts for 1 individuals"):
        measure_partition(["x", "y"], ["a"])
    with pytest.raises(InvalidInputError, match="no individual is known"):
        measure_partition(["x"], [""])
