from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from spotted.arrays import Float64Array, IntArray
from spotted.sampling.strategies import ranges as module
from spotted.sampling.strategies.ranges import (
    LEAST_SPACING_M,
    MOST_DIRECTIONS,
    UNKNOWN,
    Ranges,
    compute_ranges,
    spacing_m,
    stations,
)

WIDTH_M = 900.0


def kernel(a: Float64Array, b: Float64Array) -> float:
    return math.exp(-((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) / (2.0 * WIDTH_M**2))


def looped(position_m: Float64Array, one: list[int], other: list[int]) -> float:
    """The mean kernel over pairs of placed images; NaN without any."""
    placed = [i for i in range(len(position_m)) if not np.isnan(position_m[i]).any()]
    closeness = [
        kernel(position_m[a], position_m[b])
        for a, b in itertools.product(one, other)
        if a in placed and b in placed
    ]
    return sum(closeness) / len(closeness) if closeness else math.nan


def drawn(items: int, places: int, seed: int) -> tuple[Float64Array, IntArray]:
    """Positions and components of items, some unplaced, one component wholly."""
    rng = np.random.default_rng(seed)
    position_m = rng.uniform(0, 4_000, (places, 2))[rng.integers(0, places, items)]
    component = rng.integers(0, 8, items)
    position_m[rng.random(items) < 0.2] = np.nan
    position_m[component == 7] = np.nan
    return position_m, component


def ranged(position_m: Float64Array, component: IntArray, components: int = 8) -> Ranges:
    station, places = stations(position_m)
    return compute_ranges(component, components, station, places, width_m=WIDTH_M)


@pytest.mark.parametrize("seed", [0, 1])
def test_closeness_equals_a_double_loop_over_image_pairs(seed: int) -> None:
    position_m, component = drawn(60, 9, seed)
    first, second = (np.array(column) for column in zip(*itertools.product(range(8), repeat=2), strict=True))
    found = ranged(position_m, component)
    everyone = list(range(60))
    usual = looped(position_m, everyone, everyone)
    assert found.usual == pytest.approx(usual)
    members = [np.flatnonzero(component == c).tolist() for c in range(8)]
    expected = [looped(position_m, members[a], members[b]) for a, b in zip(first, second, strict=True)]
    closeness = found.closeness(first, second)
    assert closeness == pytest.approx(np.where(np.isnan(expected), usual, expected))
    assert np.isnan(expected).sum() == 15  # component 7 was seen nowhere


def test_closeness_does_not_depend_on_the_order_of_two_components() -> None:
    found = ranged(*drawn(60, 9, 2))
    first, second = np.arange(8), np.roll(np.arange(8), 3)
    assert found.closeness(first, second) == pytest.approx(found.closeness(second, first))


def test_moving_and_turning_the_map_changes_no_closeness() -> None:
    position_m, component = drawn(60, 9, 3)
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    first, second = np.arange(8), np.roll(np.arange(8), 1)
    there = ranged(position_m @ turn + 1e5, component).closeness(first, second)
    assert there == pytest.approx(ranged(position_m, component).closeness(first, second))


def test_pairs_scored_in_blocks_score_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    found = ranged(*drawn(60, 9, 4))
    first, second = np.arange(8), np.roll(np.arange(8), 1)
    whole = found.closeness(first, second)
    monkeypatch.setattr(module, "ROWS", 3)
    assert found.closeness(first, second).tolist() == whole.tolist()


def test_at_one_station_everyone_is_close() -> None:
    position_m = np.array([[5.0, 5.0]] * 3 + [[np.nan, 5.0]])
    found = ranged(position_m, np.array([0, 1, 1, 2]), 3)
    assert found.closeness(np.array([0, 0, 2]), np.array([1, 2, 1])) == pytest.approx([1.0, 1.0, 1.0])


def test_without_any_place_everyone_is_close() -> None:
    found = ranged(np.full((4, 2), np.nan), np.arange(4), 4)
    assert found.closeness(np.array([0, 1]), np.array([2, 3])).tolist() == [1.0, 1.0]


def test_many_stations_are_close_to_the_double_loop() -> None:
    rng = np.random.default_rng(5)
    position_m = rng.uniform(0, 10_000, (2 * MOST_DIRECTIONS, 2))
    component = rng.integers(0, 20, len(position_m))
    found = ranged(position_m, component, 20)
    assert found.weight.shape == (20, MOST_DIRECTIONS)
    members = [np.flatnonzero(component == c).tolist() for c in range(20)]
    first, second = np.triu_indices(20, 1)
    expected = [looped(position_m, members[a], members[b]) for a, b in zip(first, second, strict=True)]
    assert found.closeness(first, second) == pytest.approx(np.array(expected), abs=1e-4)


def test_items_at_one_position_share_a_station() -> None:
    position_m = np.array([[1.0, 2.0], [0.0, 9.0], [1.0, 2.0], [np.nan, 2.0]])
    station, places = stations(position_m)
    assert station[0] == station[2] != station[1]
    assert station[3] == UNKNOWN
    assert places[station[:3]].tolist() == position_m[:3].tolist()


def test_spacing_is_the_median_distance_to_the_nearest_station() -> None:
    assert spacing_m(np.array([[0.0, 0.0], [3.0, 4.0], [3.0, 14.0]])) == 5.0
    assert spacing_m(np.array([[0.0, 0.0], [0.0, 2.0], [0.0, 9.0], [0.0, 29.0]])) == 4.5
    assert [spacing_m(np.zeros((count, 2))) for count in (0, 1)] == [1.0, 1.0]


@pytest.mark.parametrize("apart_m", [1e-170, 3e-200, 1e-9])
def test_stations_closer_than_any_position_is_known_are_one_place(apart_m: float) -> None:
    places = np.array([[0.0, 0.0], [apart_m, 0.0], [0.0, apart_m]])
    assert spacing_m(places) == LEAST_SPACING_M
    ranges = compute_ranges(np.arange(3), 3, np.arange(3), places, width_m=spacing_m(places))
    np.testing.assert_allclose(ranges.closeness(np.array([0, 0]), np.array([1, 2])), 1.0, atol=1e-9)
