from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.arrays import Float64Array
from spotted.period_outliers import FEW_GAP_S, FEW_STRETCH, STRETCH, outlying_periods

DAY_S = 86_400.0


def nothing(count: int) -> tuple[Float64Array, Float64Array]:
    return np.full(count, np.nan), np.full(count, np.nan)


def found(start_s: list[float], end_s: list[float], **options: bool) -> list[int]:
    whole = np.array(start_s), np.array(end_s)
    return [int(i) for i in outlying_periods(whole, nothing(len(start_s)), **options).nonzero()[0]]


@given(st.integers(0, 2**32 - 1), st.integers(9, 60), st.booleans())
def test_one_period_that_stretches_a_survey_by_the_factor_is_outlying(
    seed: int,
    count: int,
    late: bool,  # noqa: FBT001 - drawn
) -> None:
    rng = np.random.default_rng(seed)
    start = rng.uniform(0.0, 5 * DAY_S, count)
    end = start + rng.uniform(50 * DAY_S, 60 * DAY_S, count)
    length = end.max() - start.min()
    whole_start, whole_end = np.append(start, start.min()), np.append(end, end.max())
    whole_end[-1] += late * 0.55 * length
    whole_start[-1] -= (not late) * 0.55 * length
    assert outlying_periods((whole_start, whole_end), nothing(count + 1)).nonzero()[0].tolist() == [count]
    near = np.append(end, end.max() + 0.4 * length)
    assert not outlying_periods((np.append(start, start.min()), near), nothing(count + 1)).any()


def test_periods_of_a_common_season_are_not_outlying() -> None:
    rng = np.random.default_rng(4)
    for _ in range(300):
        count = int(rng.integers(1, 60))
        start = rng.uniform(0.0, 5 * DAY_S, count)
        assert not found(start.tolist(), (start + 60 * DAY_S).tolist())


def test_few_periods_are_judged_by_a_larger_factor_and_half_a_year() -> None:
    start = [0.0, 0.0, 0.0]
    beyond = 10 * DAY_S + max(FEW_GAP_S, FEW_STRETCH * 10 * DAY_S) + 1.0
    assert found(start, [10 * DAY_S, 9 * DAY_S, beyond]) == [2]
    assert found(start, [10 * DAY_S, 9 * DAY_S, 100 * DAY_S]) == []
    assert found(start[:2], [10 * DAY_S, beyond]) == []


def test_the_supported_part_of_a_period_counts() -> None:
    start, end = np.zeros(12), np.full(12, 30 * DAY_S)
    end[3] = 90 * DAY_S
    supported = nothing(12)
    assert outlying_periods((start, end), supported).nonzero()[0].tolist() == [3]
    supported[0][3], supported[1][3] = DAY_S, 80 * DAY_S
    assert not outlying_periods((start, end), supported).any()


def test_only_a_period_apart_from_all_others_is_disjoint() -> None:
    start, end = [DAY_S] * 10, [30 * DAY_S] * 10
    assert found([*start, DAY_S], [*end, 900 * DAY_S], disjoint=True) == []
    assert found([*start, 800 * DAY_S], [*end, 900 * DAY_S], disjoint=True) == [10]
    assert found([*start, -800 * DAY_S], [*end, -700 * DAY_S], disjoint=True) == [10]


def test_an_early_and_a_late_one_do_not_hide_each_other() -> None:
    start, end = [DAY_S] * 20, [30 * DAY_S] * 20
    assert found([*start, -9_000 * DAY_S, DAY_S], [*end, -8_000 * DAY_S, 9_000 * DAY_S]) == [20, 21]


def test_a_tenth_of_all_is_outlying_together_and_more_are_a_second_season() -> None:
    start, end = [0.0] * 20, [30 * DAY_S] * 20
    late = 9_000 * DAY_S
    assert found([*start, late, late], [*end, late + DAY_S, late + DAY_S]) == [20, 21]
    assert found([*start, *[late] * 4], [*end, *[late + DAY_S] * 4]) == []


def test_unknown_periods_are_passed_over() -> None:
    start = [float("nan"), *[0.0] * 9]
    assert found(start, [float("nan"), *[DAY_S] * 8, 1.6 * STRETCH * DAY_S]) == [9]
    assert outlying_periods(nothing(3), nothing(3)).tolist() == [False] * 3


@given(st.permutations(range(12)))
def test_the_order_changes_nothing(order: list[int]) -> None:
    start, end = np.zeros(12), np.full(12, 30 * DAY_S)
    end[7] = 400 * DAY_S
    outlying = outlying_periods((start[order], end[order]), nothing(12))
    assert outlying.tolist() == [index == 7 for index in order]


@pytest.mark.parametrize("others", [3, 30])
def test_the_number_of_cameras_to_judge_by_may_be_given(others: int) -> None:
    instants = np.append(np.linspace(0.0, 10 * DAY_S, 50), 20 * DAY_S)
    outlying = outlying_periods((instants, instants), nothing(51), others=others)
    assert outlying.any() == (others == 30)
