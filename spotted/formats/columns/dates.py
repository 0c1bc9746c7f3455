"""Dates and times in the many forms of spreadsheets, as ISO 8601."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from spotted.errors import InvalidInputError
from spotted.formats.timestamps import UNIX_TIME, unix_seconds

SERIAL, UNIX = "serial", "unix"
DAYS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y:%m:%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d.%m.%Y",
    "%d.%m.%y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d-%m-%y",
    "%m-%d-%y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%y/%m/%d",
    "%y-%m-%d",
)
_FORMS = (*DAYS, SERIAL, UNIX)
# in each of these the day may stand before or after the month
NUMERIC = {day for day in DAYS if re.search(r"%d.%m|%m.%d", day)}
SHOWN = 3
# days of spreadsheets are counted from this one; those of 1954 to 2118 have five digits
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a clock's zone is applied later
_SERIAL = re.compile(r"[2-7]\d{4}([.,]\d+)?")
_CLOCK = re.compile(
    r"(?P<hour>\d{1,2})[:.h](?P<minute>\d{2})([:.](?P<second>\d{2})(?P<part>[.,]\d{1,6})?)?"
    r"\s*(?P<half>[AaPp]\.?\s?[Mm]\.?)?\s*(?P<zone>Z|UTC|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_PARTED = re.compile(r"(?P<day>.+?)([T_,]\s*|\s+)(?P<clock>\d{1,2}[:.h]\d{2}\D?.*)", re.ASCII)
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_LETTERS = {
    "YYYY": "%Y",
    "YY": "%y",
    "MMMM": "%B",
    "MMM": "%b",
    "MM": "%m",
    "M": "%m",
    "DD": "%d",
    "D": "%d",
}
_TOKENS = re.compile("YYYY|YY|MMMM|MMM|MM|M|DD|D")
NOON = 12


def read_date_format(text: str) -> str:
    """The form of days of a text such as DD/MM/YYYY or %d/%m/%Y; a time of day after it is ignored.

    Raises InvalidInputError if day, month or year is missing.

    >>> read_date_format("DD/MM/YYYY HH:MM"), read_date_format("%m/%d/%y %H:%M")
    ('%d/%m/%Y', '%m/%d/%y')
    """
    day = re.split(r"[ T]+(?=[Hh]|%H|%I)", text.strip())[0]
    form = day if "%" in day else _TOKENS.sub(lambda found: _LETTERS[found[0]], day.upper())
    if not all(re.search(part, form) for part in ("%[Yy]", "%[mbB]", "%d")):
        raise InvalidInputError(
            f"the date format {text!r} needs day, month and year; write e.g. DD/MM/YYYY, MM/DD/YY or "
            "DD-MMM-YYYY",
            field="date_format",
        )
    return form


def find_day_format(texts: Sequence[str], *, column: str, given: str = "") -> str:
    """The form in which all dates of a column are written: one of DAYS, SERIAL, or `given`.

    Empty texts, and fewer than half that are no dates, are ignored. A column of ISO 8601 is taken as it is.
    Raises InvalidInputError if no form fits, or if day and month cannot be distinguished.

    >>> find_day_format(["5/5/19 17:21", "7/29/19 18:48", "no date"], column="timestamp")
    '%m/%d/%y'
    """
    if given:
        return given
    written = list(dict.fromkeys(text for text in texts if text))
    days = {text: "" if _is_iso(text) else _parted(text)[0] for text in written}
    forms = {day: _forms(day) for day in days.values() if day}
    dates = [text for text in written if not days[text] or forms[days[text]]]
    others = {days[text] for text in dates if days[text]}
    if not others and 2 * len(dates) >= len(written):
        return DAYS[0]
    fits = [form for form in _FORMS if all(form in forms[day] for day in others)]
    if 2 * len(dates) < len(written) or not fits:
        raise _no_form(written, column)
    if len(others) < len({days[text] or text for text in dates}) and NUMERIC & set(fits):
        raise _mixed(dates, days, column)
    fits = _likeliest(others, fits)
    if len({tuple(_parsed(day, form) for day in sorted(others)) for form in fits}) > 1:
        first, second = (shown_form(form) for form in fits[:2])
        raise InvalidInputError(
            f"{column}: day and month cannot be distinguished in dates such as {_listed(dates)}; add "
            f"--date-format {first} or --date-format {second}, or write them as 2020-03-24 11:21:46",
            field=column,
        )
    return fits[0]


def to_iso(text: str, day: str) -> str:
    """A date, or date and time, as ISO 8601; `day` is a form of days; other texts stay as they are.

    >>> to_iso("7/29/19 6:48 PM", "%m/%d/%y"), to_iso("14/05/2009", "%d/%m/%Y")
    ('2019-07-29T18:48:00', '2009-05-14')
    >>> to_iso("43675.75", SERIAL)
    '2019-07-29T18:00:00'
    """
    if _is_iso(text):
        return text
    if day == SERIAL:
        return _of_serial(text)
    if day == UNIX:
        return _of_unix(text)
    written, clock = _parted(text, day)
    found, time = _parsed(written, day), to_iso_clock(clock)
    if found is None or (clock and not time):
        return text
    return f"{found.date().isoformat()}T{time}" if time else found.date().isoformat()


def to_iso_clock(text: str) -> str:
    """A time of day as ISO 8601, also as the fraction of a day; "" for another text.

    >>> to_iso_clock("6.48 pm"), to_iso_clock("9h05"), to_iso_clock("0.75"), to_iso_clock("noon")
    ('18:48:00', '09:05:00', '18:00:00', '')
    """
    if re.fullmatch(r"0?[.,]\d{3,}|0[.,]\d+|0", text):
        return _of_serial(f"30000{text.replace(',', '.').removeprefix('0')}").partition("T")[2] or "00:00:00"
    found = _CLOCK.fullmatch(text.strip())
    if not found:
        return ""
    hour, half = int(found["hour"]), (found["half"] or "").lower()[:1]
    if half:
        hour = hour % NOON + (NOON if half == "p" else 0)
    zone = {"Z": "+00:00", "UTC": "+00:00"}.get(found["zone"] or "", found["zone"] or "")
    if zone and ":" not in zone:
        zone = f"{zone[:3]}:{zone[3:]}"
    part = (found["part"] or "").replace(",", ".")
    return f"{hour:02}:{found['minute']}:{found['second'] or '00'}{part}{zone}"


def is_date(text: str) -> bool:
    """Whether a text is a date, with or without a time, in any form."""
    return _is_iso(text) or bool(_forms(_parted(text)[0]))


def has_clock(text: str) -> bool:
    """Whether a date has a time of day."""
    return (
        ":" in text
        if _is_iso(text)
        else bool(to_iso_clock(_parted(text)[1]))
        or bool(_SERIAL.fullmatch(text) and re.search("[.,]", text))
        or is_unix(text)
    )


def is_unix(text: str) -> bool:
    """Whether a text is a number of seconds or milliseconds since 1970."""
    return unix_seconds(text) is not None


def _of_unix(text: str) -> str:
    seconds = unix_seconds(text)
    return text if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()


def _of_serial(text: str) -> str:
    if not _SERIAL.fullmatch(text):
        return text
    # to the second, since a spreadsheet's fraction of a day is not exact
    seconds = round(float(text.replace(",", ".")) * 86_400)
    instant = _EPOCH + timedelta(seconds=seconds)
    return instant.isoformat() if re.search("[.,]", text) else instant.date().isoformat()


def _likeliest(days: Iterable[str], forms: list[str]) -> list[str]:
    """The forms in which the dates span the fewest years: 29/07/19, 30/07/19 are of one year, or of two."""
    span = {form: _years(days, form) for form in forms}
    return [form for form in forms if span[form] == min(span.values())]


def _years(days: Iterable[str], form: str) -> int:
    years = [found.year for day in days if (found := _parsed(day, form))]
    return max(years) - min(years)


def _no_form(written: Sequence[str], column: str) -> InvalidInputError:
    return InvalidInputError(
        f"{column}: the dates, such as {_listed(written)}, have no form that is known; add --date-format, "
        "e.g. DD/MM/YYYY, or write them as 2020-03-24 11:21:46",
        field=column,
    )


def _mixed(dates: Sequence[str], days: dict[str, str], column: str) -> InvalidInputError:
    iso = next(text for text in dates if not days[text])
    other = next(text for text in dates if days[text])
    return InvalidInputError(
        f"{column}: some dates are {iso!r}, others {other!r}; a spreadsheet program has probably read a part "
        "of them with day and month swapped; write them all as 2020-03-24 11:21:46, from the first source",
        field=column,
    )


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(repr(text) for text in texts[:SHOWN])


def shown_form(form: str) -> str:
    """A form of days as a person writes it.

    >>> shown_form("%d/%m/%Y")
    'DD/MM/YYYY'
    """
    if form == SERIAL:
        return "numbers of days of a spreadsheet"
    if form == UNIX:
        return UNIX_TIME
    letters = {"%Y": "YYYY", "%y": "YY", "%m": "MM", "%d": "DD", "%b": "MMM", "%B": "MMMM"}
    return re.sub("%[YymdbB]", lambda found: letters[found[0]], form)


def _is_iso(text: str) -> bool:
    if not _ISO_DAY.match(text):
        return False
    try:
        return bool(datetime.fromisoformat(text))
    except ValueError:
        return False


def _parted(text: str, form: str = "") -> tuple[str, str]:
    """The day and the time of day of a text, "" without one."""
    found = _PARTED.fullmatch(text.strip())
    # a part of a date may look like a time, so the day must be one
    if found and (_forms(found["day"]) or (form and _parsed(found["day"], form))):
        return found["day"], found["clock"]
    return text.strip(), ""


@lru_cache(maxsize=100_000)
def _forms(day: str) -> frozenset[str]:
    return frozenset(form for form in _FORMS if _parsed(day, form) is not None)


def _parsed(day: str, form: str) -> datetime | None:
    if form == SERIAL:
        return datetime.fromisoformat(_of_serial(day)) if _SERIAL.fullmatch(day) else None
    if form == UNIX:
        return datetime.fromisoformat(_of_unix(day)) if is_unix(day) else None
    try:
        return datetime.strptime(day, form)  # noqa: DTZ007 - a clock's zone is applied later
    except ValueError:
        return None
