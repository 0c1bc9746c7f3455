"""Dates and times in the many forms of spreadsheets, as ISO 8601."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from spotted.errors import InvalidInputError

DAYS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y:%m:%d",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%d-%b-%Y",
)
_TIMES = ("T%H:%M:%S", " %H:%M:%S", " %H:%M", "")
SHOWN = 3


def find_day_format(texts: Sequence[str], *, column: str) -> str:
    """The one of DAYS in which all dates of a column are written.

    Empty texts are ignored; a column of them is taken as ISO 8601, as is one with offsets.
    Raises InvalidInputError if no form fits all, or if day and month cannot be distinguished.

    >>> find_day_format(["5/5/19 17:21", "7/29/19 18:48"], column="timestamp")
    '%m/%d/%y'
    """
    written = [text for text in texts if text]
    if all(_is_iso(text) for text in written):
        return DAYS[0]
    fits = [day for day in DAYS if all(_parsed(text, day) is not None for text in written)]
    shown = ", ".join(repr(text) for text in dict.fromkeys(written[:SHOWN]))
    if not fits:
        raise InvalidInputError(
            f"{column}: the dates, such as {shown}, have no form that is known; write them as "
            "2020-03-24 11:21:46",
            field=column,
        )
    if len(fits) > 1:
        raise InvalidInputError(
            f"{column}: day and month cannot be distinguished in dates such as {shown}; write them as "
            "2020-03-24 11:21:46",
            field=column,
        )
    return fits[0]


def to_iso(text: str, day: str) -> str:
    """A date, or date and time, as ISO 8601; `day` is one of DAYS; other texts stay as they are.

    >>> to_iso("7/29/19 18:48", "%m/%d/%y"), to_iso("14/05/2009", "%d/%m/%Y")
    ('2019-07-29T18:48:00', '2009-05-14')
    """
    if _is_iso(text):
        return text
    instant = _parsed(text, day)
    if instant is None:
        return text
    return (
        instant.isoformat() if ":" in text.replace(":", "-", day.count(":")) else instant.date().isoformat()
    )


def _is_iso(text: str) -> bool:
    try:
        return bool(datetime.fromisoformat(text)) and "-" in text[:8]
    except ValueError:
        return False


def _parsed(text: str, day: str) -> datetime | None:
    for time in _TIMES:
        try:
            return datetime.strptime(text, day + time)  # noqa: DTZ007 - a clock's zone is applied later
        except ValueError:
            continue
    return None
