from __future__ import annotations

import pytest

from spotted.journeys import (
    distance_text,
    duration_text,
    journey_text,
    opposite_sides,
    speed_kmh,
    too_fast,
)
from spotted.scoring.feasibility import needed_speed_kmh
from spotted.survey import Side

HOUR, DAY = 3600.0, 86_400.0


@pytest.mark.parametrize(
    ("distance_m", "gap_s", "text"),
    [
        (None, None, ""),
        (None, HOUR, "1 hour, distance unknown"),
        (500.0, None, "500 m apart, time unknown"),
        (0.0, None, "same camera"),
        (0.0, 8 * DAY, "same camera, 8 days later"),
        (2610.0, 9 * DAY, "9 days, 2.6 km apart, easy"),
        (8000.0, 3 * HOUR, "3 hours, 8 km apart, a steady walk"),
        (30_000.0, 3 * HOUR, "3 hours, 30 km apart, a run"),
        (90_000.0, HOUR, "1 hour, 90 km apart, needs 90 km/h"),
        (10.0, 0.0, "0 s, 10 m apart, at the same moment: not possible"),
    ],
)
def test_a_journey_is_a_phrase(distance_m: float | None, gap_s: float | None, text: str) -> None:
    assert journey_text(distance_m, gap_s) == text


def test_a_limit_of_the_survey_is_named() -> None:
    assert journey_text(9000.0, HOUR, limit_kmh=8.0).endswith("faster than 8 km/h: not possible")
    assert too_fast(9000.0, HOUR, 8.0)
    assert not too_fast(9000.0, HOUR, None)
    assert too_fast(90_000.0, HOUR, None)
    assert too_fast(1.0, 0.0, None)
    assert not too_fast(0.0, 0.0, 1.0)


@pytest.mark.parametrize(("distance_m", "gap_s"), [(1000.0, 60.0), (0.0, 0.0), (25.0, 1e6)])
def test_speeds_are_those_of_the_science(distance_m: float, gap_s: float) -> None:
    import numpy as np  # noqa: PLC0415 - only here

    expected = needed_speed_kmh(np.array([distance_m]), np.array([gap_s]))[0]
    assert speed_kmh(distance_m, gap_s) == pytest.approx(expected)


def test_durations_and_distances_have_two_digits() -> None:
    assert [duration_text(s) for s in (0.0, 59.0, 61.0, 3599.0, 47 * HOUR, 49 * HOUR)] == [
        "0 s",
        "59 s",
        "1 min",
        "60 min",
        "47 hours",
        "2 days",
    ]
    assert [distance_text(m) for m in (1.0, 999.0, 1049.0, 12_345.0)] == ["1 m", "999 m", "1 km", "12 km"]


def test_opposite_sides_are_left_and_right() -> None:
    assert opposite_sides(Side.LEFT, Side.RIGHT)
    assert opposite_sides(Side.RIGHT, Side.LEFT)
    assert not opposite_sides(Side.LEFT, Side.LEFT)
    assert not opposite_sides(Side.LEFT, Side.UNKNOWN)


def test_paired_cameras_are_one_station_whatever_their_distance() -> None:
    assert journey_text(12.0, 8 * DAY, station="ford") == "same station ford, 8 days later"
    assert journey_text(None, None, station="ford") == "same station ford"
