from __future__ import annotations

from datetime import UTC, date
from zoneinfo import ZoneInfo

from spotted.reports.survey.instants import local_day, seen_text, time_text


def test_a_day_is_that_of_the_zone() -> None:
    late = 1_685_829_600.0  # 22:00 UTC on 3 June 2023
    assert local_day(late, UTC) == date(2023, 6, 3)
    assert local_day(late, ZoneInfo("Africa/Harare")) == date(2023, 6, 4)
    assert time_text(late, ZoneInfo("Africa/Harare")) == "4 Jun 2023, 00:00"


def test_an_unknown_time_says_so() -> None:
    assert time_text(None, UTC) == "time unknown"
    assert seen_text(None, UTC) == "day unknown"
