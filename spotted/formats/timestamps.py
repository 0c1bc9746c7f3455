"""Dates and times as UTC seconds, given the time zone of the camera's clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from spotted.errors import InvalidInputError

DAY_S = 86_400.0
# a period rounded to the minute may exclude the seconds of its first or last image
PERIOD_TOLERANCE_S = 60.0
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
# fromisoformat also accepts week dates and bare digits, which are usually mistakes
_INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?", re.ASCII
)
_SHAPE = "2020-03-24T11:21:46+02:00"


UNIX_TIME = "seconds or milliseconds since 1970 (Unix time, UTC)"
# UTC seconds of the years 2000 to 2099: other numbers are no times of camera traps
_EARLIEST_UNIX_S, _LATEST_UNIX_S = 946_684_800.0, 4_102_444_800.0
_UNIX = {re.compile(r"\d{9,10}([.,]\d{1,6})?", re.ASCII): 1.0, re.compile(r"\d{12,13}", re.ASCII): 1000.0}


class InstantError(ValueError):
    """A text that does not name one instant; the message says why and what to write instead."""


class NoTimeZoneError(InstantError):
    """A time without an offset, read without a time zone."""


def time_zone(text: str) -> tzinfo:
    """The time zone of an IANA name such as Africa/Johannesburg, or of an offset such as +02:00.

    Raises InvalidInputError for an unknown zone.
    """
    offset = _OFFSET.fullmatch(text)
    if offset:
        sign, hours, minutes = offset.groups()
        shift = timedelta(hours=int(hours), minutes=int(minutes))
        if shift < timedelta(days=1):
            return timezone(shift if sign == "+" else -shift)
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidInputError(
            f"unknown time zone {text!r}; use an IANA name such as Africa/Johannesburg, "
            "or an offset such as +02:00",
            field="timezone",
        ) from error


def utc_seconds(text: str, zone: tzinfo | None = None) -> float:
    """An ISO 8601 date and time as UTC seconds since 1970.

    zone: time zone of a text without offset; a time that occurs twice when clocks go back means the first.
    Raises InstantError for another format, for a text without offset if `zone` is None, and for a time that
    the zone skips.

    >>> utc_seconds("2020-03-24T11:21:46+02:00")
    1585041706.0
    >>> utc_seconds("2020-03-24 11:21:46", time_zone("Africa/Johannesburg"))
    1585041706.0
    """
    if not _INSTANT.fullmatch(text):
        raise InstantError(f"is not a date and time; write it as {_SHAPE}")
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise InstantError(f"is not a date and time ({error}); write it as {_SHAPE}") from error
    return _in_zone(instant, zone).timestamp()


def unix_seconds(text: str) -> float | None:
    """UTC seconds of a number of seconds or milliseconds since 1970 in the years 2000 to 2099, else None.

    >>> unix_seconds("1585041706"), unix_seconds("1585041706500"), unix_seconds("20200324")
    (1585041706.0, 1585041706.5, None)
    """
    for form, per_second in _UNIX.items():
        if form.fullmatch(text):
            found = float(text.replace(",", ".")) / per_second
            return found if _EARLIEST_UNIX_S <= found < _LATEST_UNIX_S else None
    return None


def day_seconds(text: str, zone: tzinfo | None = None, *, end: bool) -> float:
    """The start of a day, or its end if `end` is True, as UTC seconds; a date and time is taken as it is.

    Raises InstantError like `utc_seconds`.

    >>> day_seconds("1970-01-02", UTC, end=False), day_seconds("1970-01-02", UTC, end=True)
    (86400.0, 172800.0)
    """
    if not _DAY.fullmatch(text):
        return utc_seconds(text, zone)
    try:
        day = datetime.fromisoformat(text) + timedelta(days=int(end))
    except (ValueError, OverflowError) as error:
        raise InstantError(f"is not a calendar day; write it as {_SHAPE}") from error
    return _in_zone(day, zone).timestamp()


def _in_zone(instant: datetime, zone: tzinfo | None) -> datetime:
    if instant.tzinfo is not None:
        return instant
    if zone is None:
        raise NoTimeZoneError(
            f"has no time zone; write it as {_SHAPE}, or give the time zone of the clocks, e.g. "
            "--timezone Africa/Johannesburg"
        )
    zoned = instant.replace(tzinfo=zone)
    # a time that clocks skip in spring is another time after a round trip through UTC
    if zoned.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != instant:
        raise InstantError(
            f"does not exist in {zone}, where clocks go forward at that time; if the cameras' clocks do not, "
            "give their offset as the time zone, e.g. +01:00"
        )
    return zoned
