from __future__ import annotations

import math

import numpy as np

from spotted.scoring import geometry
from spotted.survey import Extent
from tests.spotted.surveys import random_table


def test_every_value_is_that_of_a_plain_loop_over_the_pairs() -> None:
    table = random_table(30, seed=1)
    rows, columns = np.arange(30)[:, None], np.arange(30)[None, :]
    distance, gap = geometry.distance_m(table, rows, columns), geometry.gap_s(table, rows, columns)
    shared = geometry.same_image(table, rows, columns)
    for i in range(30):
        for j in range(30):
            expected = math.dist(table.position_m[i], table.position_m[j])
            np.testing.assert_allclose(distance[i, j], expected, rtol=1e-12)
            np.testing.assert_array_equal(gap[i, j], abs(table.time_s[i] - table.time_s[j]))
            assert shared[i, j] == (i == j or (table.image[i] >= 0 and table.image[i] == table.image[j]))


def test_an_unknown_place_or_time_stays_unknown() -> None:
    table = random_table(40, seed=2)
    lost = int(np.flatnonzero(np.isnan(table.position_m[:, 0]))[0])
    timeless = int(np.flatnonzero(np.isnan(table.time_s))[0])
    everyone = np.arange(40)
    assert np.isnan(geometry.distance_m(table, np.array([lost]), everyone)).all()
    assert np.isnan(geometry.gap_s(table, np.array([timeless]), everyone)).all()


def test_two_unknown_images_are_not_one_image() -> None:
    table = random_table(40, seed=2)
    first, second = np.flatnonzero(table.image < 0)[:2]
    assert not geometry.same_image(table, np.array([first]), np.array([second]))[0]


def test_only_times_outside_the_survey_are_doubted_and_so_are_their_gaps() -> None:
    table = random_table(40, seed=2)
    extent, everyone = Extent(1.0, 1_000_000.0, start_s=500_000.0), np.arange(40)
    outside = geometry.time_outside(table, everyone, extent)
    expected = [not (math.isnan(t) or 500_000.0 <= t <= 1_500_000.0) for t in table.time_s.tolist()]
    assert outside.tolist() == expected
    assert 0 < sum(expected) < len(expected)
    doubted = geometry.gap_doubted(table, everyone[:, None], everyone, extent)
    np.testing.assert_array_equal(doubted, outside[:, None] | outside)
    gap = geometry.believed_gap_s(table, everyone[:, None], everyone, extent)
    np.testing.assert_array_equal(np.isnan(gap), doubted | np.isnan(table.time_s[:, None] + table.time_s))


def test_without_a_start_every_time_is_believed_and_the_ends_belong_to_a_survey() -> None:
    table = random_table(40, seed=2)
    assert not geometry.time_outside(table, np.arange(40), Extent(1.0, 1.0)).any()
    first, last = float(np.nanmin(table.time_s)) + 0.1, float(np.nanmax(table.time_s)) + 1e-3
    assert not geometry.time_outside(table, np.arange(40), Extent(1.0, last - first, first)).any()
