from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.formats.cameras.periods import (
    CameraTable,
    closed,
    is_at_two_places,
    overlap_s,
    period_id,
    without_downtime,
)
from spotted.survey import Camera

DAY_S = 86_400.0


def table(*periods: tuple[float | None, float | None, float]) -> CameraTable:
    """Periods of camera A: start and end in days, and x in metres."""
    ids = tuple(period_id("A", number) for number in range(1, len(periods) + 1))
    cameras = {
        own: Camera(own, x, 0.0, None if a is None else a * DAY_S, None if b is None else b * DAY_S)
        for own, (a, b, x) in zip(ids, periods, strict=True)
    }
    return CameraTable(cameras, {}, {"A": ids} if len(ids) > 1 else {})


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (0.0, "A"),
        (5.0, "A"),
        (15.0, "A#2"),
        (10.4, "A"),
        (11.9, "A#2"),
        (-9.0, "A"),
        (99.0, "A#2"),
        (None, ""),
    ],
)
def test_a_photograph_belongs_to_the_period_of_its_time_or_the_nearest(
    day: float | None, expected: str
) -> None:
    moved = table((0.0, 10.0, 0.0), (12.0, 20.0, 500.0))
    assert moved.camera_at("A", None if day is None else day * DAY_S) == expected


def test_at_the_instant_of_a_move_the_later_period_has_begun() -> None:
    moved = table((0.0, 10.0, 0.0), (10.0, 20.0, 500.0))
    assert [moved.camera_at("A", day * DAY_S) for day in (9.999, 10.0, 10.001)] == ["A", "A#2", "A#2"]


def test_an_open_end_is_closed_by_the_next_start() -> None:
    periods = [Camera("A", start_s=9.0), Camera("A", start_s=0.0), Camera("A", start_s=20.0, end_s=30.0)]
    assert [c.end_s for c in closed(periods)] == [20.0, 9.0, 30.0]
    assert [c.end_s for c in closed([Camera("A"), Camera("A", start_s=1.0)])] == [None, None]


def test_on_the_day_of_a_move_the_position_is_unknown() -> None:
    moved = table((0.0, 10.0, 0.0), (9.0, 20.0, 500.0))
    assert [moved.camera_at("A", day * DAY_S) for day in (8.5, 9.5, 10.5)] == ["A", "", "A#2"]


def test_periods_at_one_position_are_one_station_and_need_no_time() -> None:
    repaired = table((0.0, 10.0, 7.0), (9.0, 20.0, 7.0), (21.0, 30.0, 8.0))
    assert repaired.camera_at("A", 9.5 * DAY_S) == "A"
    assert repaired.stations() == {"A": "A", "A#2": "A", "A#3": "A#3"}
    assert table((0.0, 1.0, 0.0), (2.0, 3.0, 0.0)).camera_at("A", None) == "A"
    assert "1 camera with several periods, such as 'A'" in repaired.notes()[0]


def test_a_camera_with_one_period_keeps_its_id_and_has_no_station() -> None:
    single = table((0.0, 10.0, 0.0))
    assert single.camera_at("A", 99.0 * DAY_S) == "A"
    assert single.camera_at("unlisted", None) == "unlisted"
    assert single.stations() == {}
    assert single.notes() == []


downtimes = st.lists(st.tuples(st.integers(-5, 35), st.integers(0, 9)), max_size=5)


@given(downtimes)
def test_periods_are_the_time_outside_every_downtime(down: list[tuple[int, int]]) -> None:
    camera = Camera("A", start_s=0.0, end_s=30.0)
    spans = [(float(a), float(a + length)) for a, length in down]
    periods = without_downtime(camera, spans)
    for instant in (quarter / 4 + 0.125 for quarter in range(120)):
        operating = not any(a <= instant <= b for a, b in spans)
        assert sum((p.start_s or 0) <= instant <= (p.end_s or 0) for p in periods) == operating


def test_an_open_period_is_open_at_its_outer_ends_only() -> None:
    first, second = without_downtime(Camera("A"), [(5.0, 9.0)])
    assert (first.start_s, first.end_s, second.start_s, second.end_s) == (None, 5.0, 9.0, None)


def test_an_overlap_is_the_time_in_both_periods() -> None:
    a, b = Camera("A", start_s=0.0, end_s=3 * DAY_S), Camera("A", start_s=DAY_S)
    assert overlap_s(a, b) == overlap_s(b, a) == 2 * DAY_S
    assert is_at_two_places(a, b)
    assert not is_at_two_places(Camera("A", end_s=2 * DAY_S), b)
    assert overlap_s(Camera("A", end_s=0.0), b) == 0.0
