"""Written dates and times as UTC seconds, with the time zone that a camera's clock was set to."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from spotted.errors import InvalidInputError

DAY_S = 86_400.0
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
# fromisoformat alone would also take week dates and bare digits, which are more often a mistake
_INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?", re.ASCII
)
_SHAPE = "2020-03-24T11:21:46+02:00"


class InstantError(ValueError):
    """A text that is not one instant; the message says why and what to write instead."""


def time_zone(text: str) -> tzinfo:
    """The zone of an IANA name such as Africa/Johannesburg, or of an offset such as +02:00.

    Raises InvalidInputError where there is no such zone.
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
            f"there is no time zone {text!r}; use an IANA name such as Africa/Johannesburg, "
            "or an offset such as +02:00",
            field="timezone",
        ) from error


def utc_seconds(text: str, zone: tzinfo | None = None) -> float:
    """An ISO 8601 date and time as UTC seconds since 1970.

    zone: of the clock that wrote a text without offset; the first of two where clocks go back.
    Raises InstantError for another shape, for a text without offset where `zone` is None, and for a
    time that the zone skips.
    """
    if not _INSTANT.fullmatch(text):
        raise InstantError(f"is not a date and time; write it as {_SHAPE}")
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise InstantError(f"is not a date and time ({error}); write it as {_SHAPE}") from error
    return _placed(instant, zone).timestamp()


def day_seconds(text: str, zone: tzinfo | None = None, *, end: bool) -> float:
    """The begin, or with `end` the end, of a written day as UTC seconds; a date and time stays itself.

    Raises InstantError as `utc_seconds` does.
    """
    if not _DAY.fullmatch(text):
        return utc_seconds(text, zone)
    try:
        day = datetime.fromisoformat(text) + timedelta(days=int(end))
    except (ValueError, OverflowError) as error:
        raise InstantError(f"is not a day of the calendar; write it as {_SHAPE}") from error
    return _placed(day, zone).timestamp()


def _placed(instant: datetime, zone: tzinfo | None) -> datetime:
    if instant.tzinfo is not None:
        return instant
    if zone is None:
        raise InstantError(
            f"has no time zone; write it as {_SHAPE}, or give the time zone of the clocks, such as "
            "--timezone Africa/Johannesburg"
        )
    placed = instant.replace(tzinfo=zone)
    # a time that clocks skip in spring does not survive the way to UTC and back
    if placed.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != instant:
        raise InstantError(
            f"does not exist in {zone}, whose clocks go forward then; where the cameras' clocks do not, "
            "give their offset, such as +01:00, as the time zone"
        )
    return placed
