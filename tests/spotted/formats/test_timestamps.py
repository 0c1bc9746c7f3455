from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.errors import InvalidInputError
from spotted.formats.timestamps import InstantError, day_seconds, time_zone, unix_seconds, utc_seconds


@given(
    st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)),  # noqa: DTZ001 - hypothesis asks for naive bounds
    st.integers(-23 * 60, 23 * 60),
)
def test_an_offset_is_subtracted(local: datetime, minutes: int) -> None:
    local = local.replace(microsecond=0)
    sign, size = "-" if minutes < 0 else "+", abs(minutes)
    text = f"{local.isoformat()}{sign}{size // 60:02}:{size % 60:02}"
    expected = (local.replace(tzinfo=UTC) - timedelta(minutes=minutes)).timestamp()
    assert utc_seconds(text) == expected


def test_z_and_fractions_and_a_space_are_read() -> None:
    assert utc_seconds("1970-01-01 00:00:01.5Z") == 1.5


def test_a_zone_places_a_text_without_offset_and_leaves_one_with_offset() -> None:
    zone = time_zone("Africa/Johannesburg")
    assert utc_seconds("1970-01-02T02:00", zone) == 86_400.0
    assert utc_seconds("1970-01-01T00:00Z", zone) == 0.0
    assert utc_seconds("1970-01-01T02:00", time_zone("+02:00")) == 0.0


def test_a_text_without_offset_and_zone_says_what_to_write() -> None:
    with pytest.raises(InstantError, match=r"no time zone; write it as .*, or give the time zone"):
        utc_seconds("2020-03-24T11:21:46")


@pytest.mark.parametrize(
    "text",
    ["2020-03-24", "24/03/2020 11:21", "20200324T112146Z", "2020-13-01T00:00Z", "2020-W10-1", "now", ""],
)
def test_an_invalid_instant_is_refused(text: str) -> None:
    with pytest.raises(InstantError, match="is not a date and time"):
        utc_seconds(text)


def test_a_time_that_clocks_skip_is_refused_and_one_they_show_twice_is_the_first() -> None:
    berlin = time_zone("Europe/Berlin")
    with pytest.raises(InstantError, match="does not exist in Europe/Berlin"):
        utc_seconds("2024-03-31T02:30", berlin)
    assert utc_seconds("2024-10-27T02:30", berlin) == utc_seconds("2024-10-27T02:30+02:00")


def test_a_day_lasts_until_the_next_one() -> None:
    assert day_seconds("1970-01-02", time_zone("UTC"), end=False) == 86_400.0
    assert day_seconds("1970-01-02", time_zone("UTC"), end=True) == 2 * 86_400.0
    assert day_seconds("1970-01-02T12:00Z", end=True) == 1.5 * 86_400.0


@pytest.mark.parametrize("text", ["2023-02-30", "9999-12-31"])
def test_a_day_beyond_the_calendar_is_refused(text: str) -> None:
    with pytest.raises(InstantError, match="not a calendar day"):
        day_seconds(text, time_zone("UTC"), end=True)


@pytest.mark.parametrize("text", ["Africa/Atlantis", "+99:00", "", "../etc/passwd"])
def test_an_unknown_zone_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInputError, match="Africa/Johannesburg"):
        time_zone(text)


@given(st.integers(946_684_800, 4_102_444_799))
def test_seconds_and_milliseconds_since_1970_are_told_apart_by_their_range(seconds: int) -> None:
    assert unix_seconds(str(seconds)) == seconds
    assert unix_seconds(f"{seconds}000") == seconds
    assert unix_seconds(f"{seconds}.5") == seconds + 0.5


@pytest.mark.parametrize("text", ["946684799", "4102444800", "20200324", "43675", "-1585041706", ""])
def test_other_numbers_are_no_times(text: str) -> None:
    assert unix_seconds(text) is None
