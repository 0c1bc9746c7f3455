from __future__ import annotations

import itertools
import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from spotted.constraints.answers import Answer, Decisions, LabelledPair
from spotted.constraints.closure import Closure
from spotted.constraints.interface import Constraints
from spotted.errors import InvalidInputError
from spotted.sampling.candidate_graph import CandidateGraph
from spotted.sampling.stopping import (
    DOUBT,
    RANKED_ODDS,
    TARGETS,
    Expected,
    Outlook,
    RemainingEstimate,
    estimate_planned,
    estimate_remaining,
    merges_left,
    outlook,
)

orders = st.lists(st.booleans(), max_size=25)
# no chance of these small urns equals what they leave, so that no rounding decides
confidences = st.sampled_from([0.531, 0.903, 0.951])


def chance_of(seen: int, total: int, drawn: float) -> float:
    """The chance that at most `seen` of `total` are drawn, each by itself."""
    return sum(math.comb(total, k) * drawn**k * (1 - drawn) ** (total - k) for k in range(seen + 1))


def least_chance(merged: list[bool], urn: int, left: int, odds: float) -> float:
    """Over all suffixes, one by one."""
    suffixes = [(drawn, sum(merged[-drawn:])) for drawn in range(1, len(merged) + 1)]
    return min(
        [1.0, *(chance_of(seen, seen + left, 1 - (urn / (drawn + urn)) ** odds) for drawn, seen in suffixes)]
    )


def largest(merged: list[bool], urn: int, confidence: float, odds: float) -> int:
    allowed = [0, *(m for m in range(1, urn + 1) if least_chance(merged, urn, m, odds) > 1 - confidence)]
    return max(allowed)


@given(orders, st.integers(0, 30), confidences)
def test_bound_is_the_largest_number_that_no_suffix_rejects(
    merged: list[bool], urn: int, confidence: float
) -> None:
    bound = merges_left(np.array(merged, dtype=np.bool_), urn, confidence=confidence)
    assert bound == largest(merged, urn, confidence, odds=1.0)


def hypergeometric(seen: int, urn: int, good: int, drawn: int) -> float:
    ways = sum(math.comb(good, k) * math.comb(urn - good, drawn - k) for k in range(seen + 1))
    return ways / math.comb(urn, drawn)


@given(orders, st.integers(0, 30), confidences.filter(lambda c: c >= 0.9))
def test_bound_is_never_below_that_of_the_hypergeometric_test(
    merged: list[bool], urn: int, confidence: float
) -> None:
    def rejected(left: int) -> bool:
        suffixes = ((drawn, sum(merged[-drawn:])) for drawn in range(1, len(merged) + 1))
        chances = (hypergeometric(seen, drawn + urn, seen + left, drawn) for drawn, seen in suffixes)
        return min([1.0, *chances]) <= 1 - confidence

    exact = max([0, *(left for left in range(1, urn + 1) if not rejected(left))])
    assert merges_left(np.array(merged, dtype=np.bool_), urn, confidence=confidence) >= exact


def plausible(expected: float, confidence: float) -> int:
    """The least number that a Poisson law stays within with this chance, term by term."""
    term, total, number = math.exp(-expected), 0.0, -1
    while total < confidence:
        total, number = total + term, number + 1
        term *= expected / (number + 1)
    return number


@given(orders, st.integers(1, 30), confidences, st.floats(0.0, 10.0))
def test_probabilities_lower_the_bound_only_if_the_test_with_ranked_odds_agrees(
    merged: list[bool], urn: int, confidence: float, expected: float
) -> None:
    order = np.array(merged, dtype=np.bool_)
    plain, ranked = (largest(merged, urn, confidence, odds) for odds in (1.0, RANKED_ODDS))
    bound = merges_left(order, urn, confidence=confidence, expected=Expected(expected, urn))
    assert bound == min(plain, max(ranked, plausible(DOUBT * expected, confidence)))


def test_probabilities_of_a_part_of_the_open_pairs_change_nothing() -> None:
    order = np.arange(600) < 200
    alone, partly, whole = (
        merges_left(order, 1000, expected=expected)
        for expected in (None, Expected(0.5, 900), Expected(0.5, 1000))
    )
    assert whole < partly == alone


def test_a_bound_of_many_merges_is_hardly_above_that_of_all_urns() -> None:
    rng = np.random.default_rng(0)
    order = rng.random(6000) < np.linspace(0.9, 0.05, 6000)
    drawn = np.arange(1, len(order) + 1)
    seen = np.cumsum(order[::-1])

    def rejected(left: int) -> bool:
        return bool(np.any(binom.cdf(seen, seen + left, drawn / (drawn + 4000)) <= 0.05))

    every = next(left for left in itertools.count(1) if rejected(left)) - 1
    assert every <= merges_left(order, 4000) <= 1.05 * every


@given(orders, st.integers(0, 30), st.sampled_from([0.5, 0.9, 0.95, 1.0]))
def test_a_target_is_safe_if_it_is_kept_with_all_merges_that_may_be_left(
    merged: list[bool], urn: int, target: float
) -> None:
    order = np.array(merged, dtype=np.bool_)
    seen = outlook(order, urn, components=100)
    assert (seen.found, seen.merges_left_at_most) == (sum(merged), merges_left(order, urn))
    total = seen.found + seen.merges_left_at_most
    assert seen.is_safe(target) == (100 * seen.found >= round(100 * target) * total)
    assert seen.share_at_least == (seen.found / total if total else 1.0)
    assert seen.safe == {target: seen.is_safe(target) for target in TARGETS}


def test_the_summary_of_an_outlook_states_a_bound_that_rounding_does_not_flatter() -> None:
    assert (
        str(Outlook(999, 1, 0.95)) == "at most 1 merges left (95%): at least 99.9 % of all merges are known"
    )
    assert (
        str(Outlook(1999, 1, 0.9)) == "at most 1 merges left (90%): at least 99.9 % of all merges are known"
    )


def test_no_more_merges_are_left_than_make_all_components_one() -> None:
    order = np.array([True, False, False])
    assert merges_left(order, 2484) > 70
    seen = outlook(order, 2484, components=71)
    assert (seen.found, seen.merges_left_at_most) == (1, 70)
    assert outlook(order[:0], 0, components=0).merges_left_at_most == 0


def test_known_individuals_are_never_merged_with_each_other() -> None:
    order = np.array([True, False, False])
    # of 71 components 12 have names: the 59 others may each join one of them
    assert outlook(order, 2484, components=71, names=12).merges_left_at_most == 59
    assert outlook(order, 2484, components=71, names=1).merges_left_at_most == 70


def test_without_open_pairs_nothing_is_left() -> None:
    seen = outlook(np.array([True, False]), 0, components=2)
    assert seen.merges_left_at_most == 0
    assert seen.is_safe(1.0)


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


def calls_to_judge(answers: int) -> int:
    order = np.random.default_rng(0).random(answers) < np.linspace(0.9, 0.01, answers)
    expected = Expected(10.0, 10**6)
    events: list[str] = []
    sys.setprofile(lambda _, event, __: events.append(event))
    try:
        outlook(order, 10**6, components=10**4, expected=expected)
    finally:
        sys.setprofile(None)
    return sum(event in {"call", "c_call"} for event in events)


def test_a_long_session_is_judged_by_as_few_operations_as_a_short_one() -> None:
    assert calls_to_judge(100_000) < 2 * calls_to_judge(1_000)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_confidence_is_a_share(confidence: float) -> None:
    with pytest.raises(InvalidInputError, match="not between 0 and 1"):
        merges_left(np.array([True]), 1, confidence=confidence)


def test_target_is_a_share() -> None:
    with pytest.raises(InvalidInputError, match="not a share"):
        outlook(np.array([True]), 1, components=2).is_safe(95.0)


def test_a_planned_estimate_takes_merges_like_the_recent_ones() -> None:
    image_pairs = np.array([100, 7, 1, 6, 9, 4])
    merged = np.array([True, False, True, True, False, True])
    made = Decisions(np.zeros(6, np.int64), np.ones(6, np.int64), merged, image_pairs)
    # the median of 100, 1, 6 and 4
    assert estimate_planned(Expected(3.0, 50), made) == RemainingEstimate(3.0, 15.0, 6)
    early = Decisions(made.first[:0], made.second[:0], merged[:0], image_pairs[:0])
    assert estimate_planned(Expected(3.0, 50), early) == RemainingEstimate(3.0, 3.0, 0)


def pairs_of_two(chance_same: float, asked: int, seed: int) -> tuple[CandidateGraph, Constraints]:
    """1,000 disjoint pairs with scores 0.3 or 0.7, SAME by chance; the first `asked` are answered."""
    rng = np.random.default_rng(seed)
    first = np.arange(0, 2000, 2, dtype=np.int64)
    score = np.where(rng.random(1000) < 0.5, 0.3, 0.7).astype(np.float32)
    same = rng.random(1000) < np.where(score > 0.5, chance_same, 0.1)
    constraints = Closure(2000)
    for row in range(asked):
        answer = Answer.SAME if same[row] else Answer.DIFFERENT
        constraints.apply(LabelledPair(str(row), 2 * row, 2 * row + 1, answer))
    return CandidateGraph(2000, first, first + 1, score, np.ones_like(score), score), constraints


def test_estimate_comes_near_the_expectation_if_answers_are_a_fair_draw() -> None:
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
