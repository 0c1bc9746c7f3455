from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.errors import InvalidInputError
from spotted.formats.captures.occasions import Calendar
from spotted.formats.timestamps import utc_seconds

START = utc_seconds("2024-03-01T00:00:00Z")


@given(
    st.sampled_from(["UTC", "Africa/Harare", "Europe/Berlin", "America/New_York", "+05:30"]),
    st.integers(1, 9),
    st.sampled_from([0.0, 6.5, 12.0]),
    st.floats(0.0, 90 * 86_400.0),
)
def test_an_instant_lies_between_the_start_of_its_occasion_and_of_the_next(
    zone: str, days: int, hour: float, since: float
) -> None:
    calendar = Calendar.starting(START, timezone=zone, occasion_days=days, day_starts_at_h=hour)
    occasion = calendar.occasion(START + since)
    assert calendar.start_s(occasion) <= START + since < calendar.start_s(occasion + 1)


def test_a_day_on_which_clocks_change_is_one_day() -> None:
    calendar = Calendar.starting(utc_seconds("2024-03-30T12:00+01:00"), timezone="Europe/Berlin")
    lengths = [calendar.start_s(day + 1) - calendar.start_s(day) for day in (1, 2, 3)]
    assert lengths == [24 * 3600.0, 23 * 3600.0, 24 * 3600.0]


def test_a_period_that_ends_at_midnight_has_no_part_of_the_day_that_begins() -> None:
    calendar = Calendar.starting(START, timezone="UTC")
    midnight = datetime(2024, 3, 3, tzinfo=UTC).timestamp()
    assert calendar.last_occasion(midnight, START) == 2
    assert calendar.last_occasion(midnight, midnight) == 3


@pytest.mark.parametrize(
    "options",
    [{"occasion_days": 0}, {"day_starts_at_h": 24.0}, {"day_starts_at_h": -1.0}, {"timezone": "Mars"}],
)
def test_impossible_calendars_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError):
        Calendar.starting(START, **{"timezone": "UTC", **options})  # type: ignore[arg-type] # wrong on purpose
