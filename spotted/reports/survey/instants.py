"""Days and times in the zone of the survey, written the same in every locale."""

from __future__ import annotations

from datetime import date, datetime, tzinfo

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def local_day(seconds: float, zone: tzinfo) -> date:
    """The day of an instant."""
    return datetime.fromtimestamp(seconds, tz=zone).date()


def day_text(day: date) -> str:
    """A day.

    >>> day_text(date(2023, 6, 3))
    '3 Jun 2023'
    """
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def short_day_text(day: date) -> str:
    """A day without its year.

    >>> short_day_text(date(2023, 6, 3))
    '3 Jun'
    """
    return f"{day.day} {MONTHS[day.month - 1]}"


def time_text(seconds: float | None, zone: tzinfo) -> str:
    """A day and a time to the minute; "time unknown" without one.

    >>> from datetime import UTC
    >>> time_text(1_685_768_400.0, UTC)
    '3 Jun 2023, 05:00'
    """
    if seconds is None:
        return "time unknown"
    taken = datetime.fromtimestamp(seconds, tz=zone)
    return f"{day_text(taken.date())}, {taken:%H:%M}"


def seen_text(seconds: float | None, zone: tzinfo) -> str:
    """The day of a capture; "day unknown" without one."""
    return "day unknown" if seconds is None else day_text(local_day(seconds, zone))
