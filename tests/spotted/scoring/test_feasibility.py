from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.errors import InvalidInputError
from spotted.scoring import geometry
from spotted.scoring.feasibility import (
    FeasibilityParams,
    compute_feasibility,
    describe_journey,
    mean_feasibility,
    needed_speed_kmh,
    pair_feasibility,
    softened_journey,
)
from spotted.survey import Extent
from tests.spotted.surveys import EXTENT, random_table

metres = st.floats(0, 1e5)
seconds = st.floats(0, 1e7)


def one(distance: float, gap: float, extent: Extent = EXTENT, decay: float = 1.0) -> float:
    return float(compute_feasibility(np.array([distance]), np.array([gap]), extent, decay=decay)[0])


@given(distance=st.floats(1.0, 1e5), gap=st.floats(1.0, 1e7), decay=st.floats(0.0, 5.0))
def test_a_journey_scores_the_papers_formula(distance: float, gap: float, decay: float) -> None:
    d, g = distance / EXTENT.distance_m, gap / EXTENT.span_s
    assert one(distance, gap, decay=decay) == pytest.approx(math.exp(-decay * d / g), rel=1e-9)


@given(gap=seconds)
def test_no_distance_is_feasible_whatever_the_gap(gap: float) -> None:
    assert one(0.0, gap) == 1.0


@given(distance=st.floats(1e-3, 1e5))
def test_a_distance_at_one_instant_is_infeasible(distance: float) -> None:
    assert one(distance, 0.0) == 0.0


@given(distance=metres, gap=seconds)
def test_the_score_lies_between_0_and_1(distance: float, gap: float) -> None:
    assert 0.0 <= one(distance, gap) <= 1.0


@given(gap=st.floats(1.0, 1e7), near=metres, far=metres)
def test_farther_is_never_more_feasible(gap: float, near: float, far: float) -> None:
    near, far = sorted((near, far))
    assert one(far, gap) <= one(near, gap)


@pytest.mark.parametrize("extent", [Extent(0.0, 0.0), Extent(0.0, 100.0), Extent(100.0, 0.0)])
def test_an_extent_without_distance_or_time_still_gives_scores(extent: Extent) -> None:
    scores = [one(d, g, extent) for d in (0.0, 5.0) for g in (0.0, 5.0)]
    assert all(0.0 <= score <= 1.0 for score in scores if not math.isnan(score))
    assert one(0.0, 0.0, extent) == 1.0


@pytest.mark.parametrize(
    ("distance", "gap"), [(math.nan, 1.0), (1.0, math.nan), (0.0, math.nan), (math.nan, 0.0)]
)
def test_what_is_unknown_stays_unknown(distance: float, gap: float) -> None:
    assert math.isnan(one(distance, gap))
    assert math.isnan(needed_speed_kmh(np.array([distance]), np.array([gap]))[0])


def test_needed_speed_is_kilometres_over_hours() -> None:
    speeds = needed_speed_kmh(np.array([5_000.0, 0.0, 10.0]), np.array([1_800.0, 0.0, 0.0]))
    assert speeds.tolist() == [10.0, 0.0, math.inf]


def test_a_pairs_score_is_symmetric_and_independent_of_its_block() -> None:
    table = random_table(33, seed=4)
    params = FeasibilityParams(1.5, 600.0, use_location_uncertainty=True, max_speed_kmh=8.0)
    everyone = np.arange(33)
    whole = pair_feasibility(table, everyone[:, None], everyone[None, :], EXTENT, params)
    np.testing.assert_array_equal(whole, whole.T)
    for i in range(33):
        single = pair_feasibility(table, np.full(33, i), everyone, EXTENT, params)
        np.testing.assert_array_equal(single, whole[i])


def test_uncertainties_are_off_by_default_and_soften_when_on() -> None:
    table = random_table(40, seed=5)
    rows, columns = np.arange(40)[:, None], np.arange(40)[None, :]
    hard = pair_feasibility(table, rows, columns, EXTENT, FeasibilityParams())
    distance, gap = geometry.distance_m(table, rows, columns), geometry.gap_s(table, rows, columns)
    doubted = geometry.gap_doubted(table, rows, columns, EXTENT)
    formula = compute_feasibility(distance, gap, EXTENT).astype(np.float32)
    np.testing.assert_array_equal(hard[~doubted], formula[~doubted])
    for soft in (
        FeasibilityParams(clock_uncertainty_s=600.0),
        FeasibilityParams(use_location_uncertainty=True),
    ):
        softened = pair_feasibility(table, rows, columns, EXTENT, soft)
        known = ~np.isnan(hard)
        assert (softened[known] >= hard[known]).all()
        assert (softened[known] > hard[known]).any()


def test_a_speed_limit_rules_out_exactly_what_needs_more() -> None:
    table = random_table(40, seed=6)
    rows, columns = np.arange(40)[:, None], np.arange(40)[None, :]
    speed = needed_speed_kmh(geometry.distance_m(table, rows, columns), geometry.gap_s(table, rows, columns))
    limited = pair_feasibility(table, rows, columns, EXTENT, FeasibilityParams(max_speed_kmh=0.05))
    free = pair_feasibility(table, rows, columns, EXTENT, FeasibilityParams())
    np.testing.assert_array_equal(limited, np.where(speed > 0.05, np.float32(0.0), free))


@pytest.mark.parametrize("knob", ["decay", "clock_uncertainty_s", "max_speed_kmh"])
@pytest.mark.parametrize("value", [-1.0, 1e10, math.nan, math.inf])
def test_a_knob_that_cannot_be_is_named(knob: str, value: float) -> None:
    with pytest.raises(InvalidInputError, match=f"{knob} is {value}"):
        replace(FeasibilityParams(), **{knob: value})  # type: ignore[arg-type] # a wrong value on purpose


@pytest.mark.parametrize(
    ("distance", "gap", "cameras", "words"),
    [
        (5_000.0, 3_600.0, ("CAM12", "CAM07"), "needs 5.0 km/h between CAM07 and CAM12"),
        (100.0, 3_600.0, ("A", "B"), "needs 0.1 km/h between A and B"),
        (0.0, 0.0, ("A", "A"), "same camera A"),
        (0.0, 5.0, ("B", "A"), "same station: A and B"),
        (5.0, 0.0, ("A", "B"), "infeasible: at one instant between A and B"),
        (50_000.0, 3_600.0, ("A", "B"), "infeasible: needs 50.0 km/h between A and B, above 12 km/h"),
        (math.nan, 5.0, ("A", ""), "unknown: a detection has no position"),
        (5.0, math.nan, ("A", "B"), "unknown: a detection has no time"),
    ],
)
def test_a_journey_is_described(distance: float, gap: float, cameras: tuple[str, str], words: str) -> None:
    assert describe_journey(distance, gap, cameras, FeasibilityParams(max_speed_kmh=12.0)) == words


@pytest.mark.parametrize(
    ("distance", "gap", "station", "words"),
    [
        (5.0, 3_600.0, "ford", "same station ford: A and B"),
        (0.0, 0.0, "ford", "same station ford: A and B"),
        (5.0, 3_600.0, "A", "same station: A and B"),
        (5.0, 0.0, "ford", "infeasible: at one instant between A and B"),
        (5.0, 1.0, "ford", "infeasible: needs 18.0 km/h between A and B, above 12 km/h"),
    ],
)
def test_a_journey_within_a_station_is_described_so_unless_its_score_says_otherwise(
    distance: float, gap: float, station: str, words: str
) -> None:
    params = FeasibilityParams(max_speed_kmh=12.0, use_location_uncertainty=True)
    assert describe_journey(distance, gap, ("B", "A"), params, station) == words


def test_places_that_are_equal_only_by_their_uncertainty_are_not_called_one_station() -> None:
    params = FeasibilityParams(use_location_uncertainty=True)
    assert describe_journey(0.0, 5.0, ("A", "B"), params) == "no distance between A and B"


@given(distance=metres, decay=st.sampled_from([0.0, 0.3, 1.0, 40.0]))
def test_a_gap_that_is_not_believed_counts_as_the_mean_over_those_of_two_random_instants(
    distance: float, decay: float
) -> None:
    # the midpoints of a million equal parts of the longest gap, weighted by their density 2 (1 - g)
    share = (np.arange(1_000_000) + 0.5) / 1_000_000
    scores = np.exp(-decay * distance / EXTENT.distance_m / share)
    found = mean_feasibility(np.array([distance]), EXTENT, decay=decay)[0]
    assert found == pytest.approx(float((2.0 * (1.0 - share) * scores).mean()), abs=1e-6)


def test_a_clock_that_is_years_off_neither_rules_out_nor_helps() -> None:
    table = random_table(60, seed=3)
    rows, columns = np.arange(60)[:, None], np.arange(60)
    params = FeasibilityParams(1.5, 600.0, use_location_uncertainty=True, max_speed_kmh=8.0)
    scores = pair_feasibility(table, rows, columns, EXTENT, params)
    doubted = geometry.gap_doubted(table, rows, columns, EXTENT)
    distance, gap = softened_journey(table, rows, columns, params)
    known = doubted & ~np.isnan(gap)
    mean = mean_feasibility(distance, EXTENT, decay=1.5).astype(np.float32)
    np.testing.assert_array_equal(scores[known], mean[known])
    # a time that is not there stays unknown
    assert np.isnan(scores[doubted & np.isnan(gap)]).all()
    believed = pair_feasibility(table, rows, columns, replace(EXTENT, start_s=None), params)
    np.testing.assert_array_equal(scores[~doubted], believed[~doubted])
    # however far off the clock is, the score is the same
    farther = replace(table, time_s=np.where(table.time_s > 1e8, -table.time_s, table.time_s))
    np.testing.assert_array_equal(pair_feasibility(farther, rows, columns, EXTENT, params), scores)


def test_a_journey_by_a_wrong_clock_is_described_by_its_distance() -> None:
    described = describe_journey(5000.0, 1e8, ("B", "A"), FeasibilityParams(), doubted=True)
    assert described == "a clock is wrong: only the distance between A and B counts"
    assert describe_journey(0.0, 1e8, ("A", "A"), FeasibilityParams(), doubted=True) == "same camera A"
