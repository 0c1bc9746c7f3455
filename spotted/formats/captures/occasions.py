"""Occasions: whole days of a time zone that begin at a given hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from spotted.errors import InvalidInputError
from spotted.formats.timestamps import time_zone

HOURS_OF_DAY = 24.0
# an end this shortly after midnight belongs to the day before
MIDNIGHT_S = 1e-3


@dataclass(frozen=True, slots=True)
class Calendar:
    """Maps instants to occasions, counted from 1.

    >>> calendar = Calendar.starting(0.0, timezone="UTC", occasion_days=2)
    >>> calendar.occasion(3.5 * 86_400.0), calendar.start_s(2)
    (2, 172800.0)
    """

    zone: tzinfo
    """The zone whose days are counted."""
    day_starts: timedelta
    """When a day begins, after midnight."""
    first: date
    """The day on which occasion 1 begins."""
    occasion_days: int
    """Length of an occasion in days."""

    @classmethod
    def starting(
        cls, start_s: float, *, timezone: str, occasion_days: int = 1, day_starts_at_h: float = 0.0
    ) -> Calendar:
        """The calendar whose first occasion begins with the day of an instant.

        Raises InvalidInputError for an unknown zone, a length below one day, or an hour outside the day.
        """
        if occasion_days < 1:
            raise InvalidInputError(f"occasion_days is {occasion_days}; use 1 or more", field="occasion_days")
        if not 0.0 <= day_starts_at_h < HOURS_OF_DAY:
            raise InvalidInputError(
                f"day_starts_at_h is {day_starts_at_h}; use an hour from 0 to 23.99", field="day_starts_at_h"
            )
        zone, day_starts = time_zone(timezone), timedelta(hours=day_starts_at_h)
        return cls(zone, day_starts, _day(start_s, zone, day_starts), occasion_days)

    def occasion(self, seconds: float) -> int:
        """The occasion of an instant; below 1 before the survey."""
        return (_day(seconds, self.zone, self.day_starts) - self.first).days // self.occasion_days + 1

    def last_occasion(self, end_s: float, start_s: float) -> int:
        """The last occasion of a period: one that ends at midnight has no part of the day that begins."""
        return self.occasion(max(end_s - MIDNIGHT_S, start_s))

    def start_s(self, occasion: int) -> float:
        """When an occasion begins, UTC seconds since 1970."""
        day = self.first + timedelta(days=(occasion - 1) * self.occasion_days)
        return (datetime.combine(day, time(), self.zone) + self.day_starts).timestamp()


def _day(seconds: float, zone: tzinfo, day_starts: timedelta) -> date:
    # on the wall clock, so that a day of 23 or 25 hours is one day
    return (datetime.fromtimestamp(seconds, zone) - day_starts).date()
