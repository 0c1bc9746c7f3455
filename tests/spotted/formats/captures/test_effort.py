from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spotted.formats.captures.effort import (
    find_periods,
    find_usage,
    group_cameras,
    measure_effort,
    place_station,
)
from spotted.formats.captures.occasions import Calendar
from spotted.survey import Camera, Detection, Survey

DAY = 86_400.0
CALENDAR = Calendar.starting(0.0, timezone="UTC")
quarters = st.integers(0, 39)


@given(st.lists(st.tuples(quarters, quarters), min_size=1, max_size=4), st.integers(1, 3))
def test_effort_is_that_of_a_plain_loop_over_quarters_of_days(
    periods: list[tuple[int, int]], days: int
) -> None:
    cameras = {f"C{n}": Camera(f"C{n}") for n in range(len(periods))}
    operating = {f"C{n}": (min(p) * DAY / 4, max(p) * DAY / 4) for n, p in enumerate(periods)}
    calendar = Calendar.starting(0.0, timezone="UTC", occasion_days=days)
    occasions = -(-10 // days)
    (effort,) = measure_effort({"S": tuple(cameras.values())}, operating, calendar, occasions)
    on = [any(min(p) <= quarter < max(p) for p in periods) for quarter in range(occasions * days * 4)]
    expected = np.reshape(on, (occasions, days * 4)).sum(axis=1) / 4
    assert effort.tolist() == expected.tolist()


def test_a_whole_day_counts_as_one_also_when_clocks_change() -> None:
    calendar = Calendar.starting(1_711_800_000.0, timezone="Europe/Berlin")
    operating = {"C": (calendar.start_s(1), calendar.start_s(4))}
    assert measure_effort({"C": (Camera("C"),)}, operating, calendar, 3).tolist() == [[1.0, 1.0, 1.0]]


def test_usage_is_any_part_of_an_occasion() -> None:
    members = {"S": (Camera("C"),), "T": (Camera("D"),)}
    usage = find_usage(members, {"C": (0.9 * DAY, 2.1 * DAY)}, CALENDAR, 4)
    assert usage.astype(int).tolist() == [[1, 1, 1, 0], [0, 0, 0, 0]]


def test_cameras_of_one_station_are_grouped_and_placed_in_their_middle() -> None:
    cameras = {
        "b": Camera("b", 0.0, 0.0, station="S"),
        "a": Camera("a", 10.0, 20.0, station="S"),
        "c": Camera("c", station="S"),
        "d": Camera("d", 7.0, 7.0),
    }
    members = group_cameras(cameras)
    assert {station: [c.camera_id for c in own] for station, own in members.items()} == {
        "S": ["a", "b", "c"],
        "d": ["d"],
    }
    assert place_station("S", members["S"]) == Camera("S", 5.0, 10.0)
    assert not place_station("c", [cameras["c"]]).has_position


def test_open_ends_are_those_of_the_survey_and_no_period_is_that_of_the_detections() -> None:
    cameras = {"A": Camera("A", start_s=5.0), "B": Camera("B"), "C": Camera("C"), "D": Camera("D", end_s=7.0)}
    survey = Survey("s", 1.0, 9.0, cameras=cameras)
    seen = [Detection("1", "B", 4.0), Detection("2", "B", 3.0), Detection("3", "B"), Detection("4", "A", 6.0)]
    periods, without = find_periods(survey, seen)
    assert periods == {"A": (5.0, 9.0), "B": (3.0, 4.0), "D": (1.0, 7.0)}
    assert without == ["B", "C"]
