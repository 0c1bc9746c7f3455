from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.survey.periods import Period, outside_period
from spotted import messages
from spotted.survey import Camera, Detection
from spotted.v1 import survey_pb2

PERIOD = Period("kenya", 50.0, 300.0)
CAMERA = Camera("c", start_s=100.0, end_s=200.0)
ENDS = st.none() | st.integers(0, 9)


def captured(time_s: float | None) -> Detection:
    return Detection("d", "c", time_s)


@pytest.mark.parametrize(
    ("time_s", "camera", "expected"),
    [
        (99.0, CAMERA, "before camera 'c' began at 1970-01-01T00:01:40Z"),
        (201.0, CAMERA, "after camera 'c' ended at 1970-01-01T00:03:20Z"),
        (49.0, None, "before survey 'kenya' began at 1970-01-01T00:00:50Z"),
        (301.0, Camera("c"), "after survey 'kenya' ended at 1970-01-01T00:05:00Z"),
    ],
)
def test_a_capture_outside_a_period_is_described(time_s: float, camera: Camera | None, expected: str) -> None:
    assert outside_period(captured(time_s), camera, PERIOD).endswith(expected)


@pytest.mark.parametrize("time_s", [None, 100.0, 150.0, 200.0])
def test_the_ends_and_an_unknown_time_are_inside(time_s: float | None) -> None:
    assert outside_period(captured(time_s), CAMERA, PERIOD) == ""
    assert outside_period(captured(time_s), None, Period("kenya", 100.0, 200.0)) == ""


def test_a_suspect_clock_says_nothing_about_the_survey() -> None:
    suspect = Camera("c", clock_suspect=True)
    assert outside_period(captured(1e9), suspect, PERIOD) == ""
    assert "after camera" in outside_period(captured(1e9), replace(CAMERA, clock_suspect=True), PERIOD)


@given(
    st.integers(0, 9), st.builds(Camera, st.just("c"), start_s=ENDS, end_s=ENDS, clock_suspect=st.booleans())
)
def test_what_is_outside_is_what_comparing_with_every_end_finds(time_s: int, camera: Camera) -> None:
    period, (start_s, end_s) = Period("s", 3.0, 6.0), (camera.start_s, camera.end_s)
    inside = (start_s is None or time_s >= start_s) and (end_s is None or time_s <= end_s)
    inside = inside and (camera.clock_suspect or 3 <= time_s <= 6)
    assert (outside_period(captured(float(time_s)), camera, period) == "") is inside


def test_the_period_is_that_of_the_message() -> None:
    survey = survey_pb2.Survey(
        survey_id="kenya", start_time=messages.timestamp(50.0), end_time=messages.timestamp(300.0)
    )
    assert Period.of(survey) == PERIOD
