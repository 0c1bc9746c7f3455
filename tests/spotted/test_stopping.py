from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.constraints import Answer, Constraints, LabelledPair
from spotted.errors import InvalidInputError
from spotted.sampling.candidates import CandidateGraph
from spotted.stopping import RemainingEstimate, estimate_remaining, is_safe_to_stop, merges_left, p_value

orders = st.lists(st.booleans(), max_size=25)


def hypergeometric_cdf(seen: int, urn: int, good: int, drawn: int) -> float:
    """The chance of at most `seen` good ones among `drawn` of an urn, summed in whole numbers."""
    if good > urn:
        return 0.0
    ways = sum(math.comb(good, k) * math.comb(urn - good, drawn - k) for k in range(seen + 1))
    return ways / math.comb(urn, drawn)


@given(orders, st.integers(0, 30), st.integers(0, 30))
def test_p_value_equals_the_closed_form_over_all_suffixes(merged: list[bool], urn: int, left: int) -> None:
    suffixes = [(drawn, sum(merged[-drawn:])) for drawn in range(1, len(merged) + 1)]
    chances = [hypergeometric_cdf(seen, drawn + urn, seen + left, drawn) for drawn, seen in suffixes]
    # more merges than open pairs are impossible
    expected = 0.0 if left > urn else min([1.0, *chances])
    assert p_value(np.array(merged, dtype=np.bool_), urn, left) == pytest.approx(expected, abs=1e-12)


@given(orders, st.integers(0, 30), st.sampled_from([0.5, 0.9, 0.95]))
def test_bound_is_the_largest_number_that_is_not_rejected(
    merged: list[bool], urn: int, confidence: float
) -> None:
    order = np.array(merged, dtype=np.bool_)
    allowed = [left for left in range(urn + 1) if p_value(order, urn, left) > 1 - confidence]
    assert merges_left(order, urn, confidence=confidence) == max(allowed)


@given(orders, st.integers(0, 30), st.sampled_from([0.5, 0.9, 0.95, 1.0]))
def test_it_is_safe_to_stop_where_the_bound_keeps_the_target(
    merged: list[bool], urn: int, target: float
) -> None:
    order = np.array(merged, dtype=np.bool_)
    found, left = int(order.sum()), merges_left(order, urn)
    kept = found >= round(target * (found + left), 9)
    assert is_safe_to_stop(order, urn, target=target) == kept


def test_without_open_pairs_nothing_is_left() -> None:
    assert merges_left(np.array([True, False]), 0) == 0
    assert is_safe_to_stop(np.array([True, False]), 0, target=1.0)


def test_without_answers_everything_may_be_left() -> None:
    assert merges_left(np.array([], dtype=np.bool_), 9) == 9


@pytest.mark.parametrize(("noise", "least"), [(1.0, 0.95), (1e9, 0.85)])
def test_bound_holds_as_often_as_stated_in_ranked_and_nearly_so_in_random_order(
    noise: float, least: float
) -> None:
    rng = np.random.default_rng(0)
    same = np.arange(300) < 30
    held = 0
    for _ in range(200):
        asked = same[np.argsort(noise * rng.normal(size=300) - same)]
        held += merges_left(asked[:150], 150) >= asked[150:].sum()
    assert held / 200 >= least


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_confidence_is_a_share(confidence: float) -> None:
    with pytest.raises(InvalidInputError, match="not between 0 and 1"):
        merges_left(np.array([True]), 1, confidence=confidence)


def test_target_is_a_share() -> None:
    with pytest.raises(InvalidInputError, match="not a share"):
        is_safe_to_stop(np.array([True]), 1, target=95.0)


def pairs_of_two(chance_same: float, asked: int, seed: int) -> tuple[CandidateGraph, Constraints]:
    """1,000 disjoint pairs with scores 0.3 or 0.7, SAME by chance; the first `asked` are answered."""
    rng = np.random.default_rng(seed)
    first = np.arange(0, 2000, 2, dtype=np.int64)
    score = np.where(rng.random(1000) < 0.5, 0.3, 0.7).astype(np.float32)
    same = rng.random(1000) < np.where(score > 0.5, chance_same, 0.1)
    constraints = Constraints(2000)
    for row in range(asked):
        answer = Answer.SAME if same[row] else Answer.DIFFERENT
        constraints.apply(LabelledPair(str(row), 2 * row, 2 * row + 1, answer))
    return CandidateGraph(2000, first, first + 1, score, np.ones_like(score), score), constraints


def test_estimate_comes_near_the_expectation_where_answers_are_a_fair_draw() -> None:
    graph, constraints = pairs_of_two(0.8, asked=600, seed=1)
    estimate = estimate_remaining(graph, constraints)
    assert estimate is not None
    expected = np.where(graph.fused[600:] > 0.5, 0.8, 0.1).sum()
    assert estimate.component_pairs == pytest.approx(expected, rel=0.1)
    assert estimate.image_pairs == pytest.approx(estimate.component_pairs)
    assert estimate.answers == 300


def test_image_pairs_weigh_component_pairs_by_their_sizes() -> None:
    graph, constraints = pairs_of_two(0.8, asked=600, seed=1)
    first, other = 1400, 1600
    constraints.apply(LabelledPair("joins two open pairs at one end", first, other, Answer.SAME))
    estimate = estimate_remaining(graph, constraints)
    assert estimate is not None
    # either open pair now stands for two image pairs
    assert 0.0 < estimate.image_pairs - estimate.component_pairs < 2.0


def test_nothing_open_leaves_nothing_to_expect() -> None:
    graph, constraints = pairs_of_two(0.8, asked=1000, seed=2)
    estimate = estimate_remaining(graph, constraints)
    assert estimate is not None
    assert (estimate.component_pairs, estimate.image_pairs) == (0.0, 0.0)
    assert estimate.recall(constraints.positives) == 1.0


def test_recall_is_found_over_expected() -> None:
    assert RemainingEstimate(3.0, 10.0, 60).recall(30) == 0.75
    assert RemainingEstimate(0.0, 0.0, 60).recall(0) == 1.0


@pytest.mark.parametrize(("asked", "minimum"), [(0, 50), (49, 50), (100, 101)])
def test_few_answers_give_no_estimate(asked: int, minimum: int) -> None:
    graph, constraints = pairs_of_two(0.8, asked=asked, seed=3)
    assert estimate_remaining(graph, constraints, min_answers=minimum) is None


def test_answers_of_one_kind_give_no_estimate() -> None:
    graph, constraints = pairs_of_two(0.8, asked=0, seed=4)
    for a, b in itertools.pairwise(range(0, 200, 2)):
        constraints.apply(LabelledPair(f"{a}", a, b, Answer.SAME))
    assert estimate_remaining(graph, constraints) is None
