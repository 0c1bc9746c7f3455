from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.counting import count_of_share, pairs_within, same_pairs

PERCENTS = range(101)


@given(st.lists(st.sampled_from(["", "leo", "mia", "ana"]), max_size=12))
def test_same_pairs_equal_a_count_over_all_pairs(individuals: list[str]) -> None:
    expected = sum(a == b != "" for a, b in itertools.combinations(individuals, 2))
    assert same_pairs(individuals) == expected


@given(st.lists(st.integers(0, 4), max_size=12))
def test_individuals_may_be_numbers(individuals: list[int]) -> None:
    named = [str(number) for number in individuals]
    assert same_pairs(np.array(individuals, dtype=np.int64)) == same_pairs(named)


def test_pairs_within_groups_are_counted_exactly_for_large_groups() -> None:
    assert pairs_within(np.array([3, 1, 2])) == pairs_within([3, 1, 2]) == 4
    assert pairs_within([]) == 0
    assert pairs_within([3_000_000_000]) == math.comb(3_000_000_000, 2)


@pytest.mark.parametrize("total", [0, 1, 20, 100, 12_345, 100 << 24, 3 * 10**9])
def test_a_share_is_counted_as_exact_fractions_are(total: int) -> None:
    """0.07 * 100 is 7.000000000000001, and the same factor above the whole number at any size."""
    counts = [count_of_share(percent / 100, total) for percent in PERCENTS]
    assert counts == [math.ceil(Fraction(percent, 100) * total) for percent in PERCENTS]


def test_shares_round_up_to_whole_counts() -> None:
    assert [count_of_share(share, 20) for share in (0.0, 0.95, 0.951, 1.0)] == [0, 19, 20, 20]
    assert count_of_share(0.1 + 0.2, 10) == 3
