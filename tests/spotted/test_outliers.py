from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.outliers import STRETCH, largest_distance_m, outlying_places

places = st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), max_size=8)


@given(places)
def test_the_largest_distance_is_that_of_a_loop(points: list[tuple[float, float]]) -> None:
    expected = max((math.dist(p, q) for p in points for q in points), default=0.0)
    assert largest_distance_m(np.array(points).reshape(-1, 2)) == pytest.approx(expected)


@given(st.integers(0, 2**32 - 1), st.integers(9, 60), st.floats(0.0, 2 * math.pi))
def test_one_place_far_from_an_area_is_outlying_wherever_it_is(seed: int, count: int, angle: float) -> None:
    area = np.random.default_rng(seed).uniform(-10_000.0, 10_000.0, (count, 2))
    radius = 3 * STRETCH * largest_distance_m(area)
    far = radius * np.array([[math.cos(angle), math.sin(angle)]])
    found = outlying_places(np.concatenate([far, area]))
    assert found.nonzero()[0].tolist() == [0]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 8, 9, 30, 200])
def test_no_place_of_a_grid_is_outlying(count: int) -> None:
    side = max(1, math.isqrt(count))
    grid = np.array([divmod(i, side) for i in range(count)], np.float64).reshape(-1, 2) * 2000.0
    assert not outlying_places(grid).any()


def test_places_drawn_at_random_in_an_area_are_not_outlying() -> None:
    rng = np.random.default_rng(5)
    drawn = [rng.uniform(0.0, 30_000.0, (int(rng.integers(12, 60)), 2)) for _ in range(500)]
    assert not any(outlying_places(area).any() for area in drawn)


def test_cameras_of_one_wrong_station_are_outlying_together() -> None:
    grid = np.array([divmod(i, 4) for i in range(12)], np.float64) * 1000.0
    station = np.full((2, 2), 900_000.0)
    assert outlying_places(np.concatenate([grid, station])).nonzero()[0].tolist() == [12, 13]


def test_few_places_are_judged_by_an_absurd_distance_only() -> None:
    three = np.array([[0.0, 0.0], [1000.0, 0.0], [9000.0, 0.0]])
    assert not outlying_places(three).any()
    three[2, 0] = 5_400_000.0
    assert outlying_places(three).tolist() == [False, False, True]
    assert not outlying_places(three[1:]).any()


def test_a_second_area_with_more_than_a_tenth_of_the_places_is_part_of_the_survey() -> None:
    near = np.random.default_rng(1).uniform(0.0, 10_000.0, (20, 2))
    assert outlying_places(np.concatenate([near, near[:2] + 1e6])).sum() == 2
    assert not outlying_places(np.concatenate([near, near[:4] + 1e6])).any()


@given(st.permutations(range(12)))
def test_the_order_of_places_changes_nothing(order: list[int]) -> None:
    area = np.random.default_rng(3).uniform(0.0, 10_000.0, (12, 2))
    area[7] = 1e6
    assert outlying_places(area[order]).tolist() == [index == 7 for index in order]
