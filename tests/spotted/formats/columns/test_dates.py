from __future__ import annotations

from datetime import datetime

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.columns.dates import (
    DAYS,
    UNIX,
    find_day_format,
    has_clock,
    is_date,
    read_date_format,
    shown_form,
    to_iso,
)
from spotted.formats.timestamps import UNIX_TIME


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("time", [" %H:%M:%S", " %H:%M", ""])
def test_every_form_is_found_and_read(day: str, time: str) -> None:
    instants = [datetime.fromisoformat(text) for text in ("2019-07-29T18:48", "2020-12-31T00:00")]
    texts = [instant.strftime(day + time) for instant in instants]
    found = find_day_format(texts, column="timestamp")
    assert found == day
    read = [datetime.fromisoformat(to_iso(text, found)) for text in texts]
    expected = instants if time else [instant.replace(hour=0, minute=0) for instant in instants]
    assert read == expected
    assert all(("T" in to_iso(text, found) or " " in to_iso(text, found)) == bool(time) for text in texts)


def test_day_and_month_that_cannot_be_distinguished_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="day and month cannot be distinguished"):
        find_day_format(["05/06/2020", "07/08/2020"], column="timestamp")
    assert find_day_format(["05/06/2020", "", "13/08/2020"], column="timestamp") == "%d/%m/%Y"


def test_dates_of_no_form_are_refused_with_examples() -> None:
    with pytest.raises(InvalidInputError, match="'yesterday', '13/13/2020'"):
        find_day_format(["yesterday", "13/13/2020"], column="timestamp")


def test_no_dates_and_dates_with_offsets_are_iso() -> None:
    assert find_day_format(["", ""], column="start") == DAYS[0]
    assert to_iso("2020-03-24T11:21:46+02:00", DAYS[0]) == "2020-03-24T11:21:46+02:00"
    assert to_iso("soon", DAYS[0]) == "soon"


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("24.03.2020 11:21", "2020-03-24T11:21:00"),
        ("24/03/2020 11.21.46", "2020-03-24T11:21:46"),
        ("03/24/2020 12:01 AM", "2020-03-24T00:01:00"),
        ("24-Mar-2020 1:02 p.m.", "2020-03-24T13:02:00"),
        ("20200324 11:21", "2020-03-24T11:21:00"),
        ("24/03/2020, 11h21", "2020-03-24T11:21:00"),
        ("March 24, 2020 11:21", "2020-03-24T11:21:00"),
        ("24/03/2020 11:21:46.25 +0200", "2020-03-24T11:21:46.25+02:00"),
        ("43914.473379629627", "2020-03-24T11:21:40"),
    ],
)
def test_dates_of_people_and_programs_are_read(text: str, iso: str) -> None:
    assert is_date(text)
    assert has_clock(text)
    assert to_iso(text, find_day_format([text], column="time")) == iso


def test_the_year_of_two_digits_stands_where_the_dates_span_the_fewest_years() -> None:
    assert find_day_format(["29/07/19", "30/07/19"], column="time") == "%d/%m/%y"
    assert find_day_format(["19/07/29", "19/08/13"], column="time") == "%y/%m/%d"
    with pytest.raises(InvalidInputError, match="--date-format DD/MM/YY or --date-format YY/MM/DD"):
        find_day_format(["29/07/19"], column="time")


def test_dates_equal_in_both_ways_are_clear() -> None:
    assert to_iso("05/05/2019", find_day_format(["05/05/2019", "07/07/2019"], column="time")) == "2019-05-05"


def test_a_column_of_which_a_spreadsheet_swapped_a_part_is_refused() -> None:
    with pytest.raises(
        InvalidInputError, match=r"some dates are '2021-04-03', others '13/04/2021'; a spreadsheet"
    ):
        find_day_format(["2021-04-03", "13/04/2021"], column="time")
    assert find_day_format(["2021-04-03", "13/04/2021"], column="time", given="%d/%m/%Y") == "%d/%m/%Y"


def test_a_text_that_is_no_date_stays_if_most_are_dates() -> None:
    texts = ["24/03/2020 11:21", "unreadable", "25/03/2020 11:21"]
    form = find_day_format(texts, column="time")
    assert [to_iso(text, form) for text in texts][1] == "unreadable"
    assert to_iso("24/03/2020 25 o'clock", form) == "24/03/2020 25 o'clock"


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("DD/MM/YYYY", "%d/%m/%Y"),
        ("dd.mm.yy hh:mm", "%d.%m.%y"),
        ("%m/%d/%Y %H:%M", "%m/%d/%Y"),
        ("D-MMM-YYYY", "%d-%b-%Y"),
    ],
)
def test_a_date_format_is_written_in_letters_or_codes(text: str, form: str) -> None:
    assert read_date_format(text) == form
    assert read_date_format(shown_form(form)) == form


@pytest.mark.parametrize("text", ["", "DD/MM", "YYYY", "%d"])
def test_a_date_format_without_a_part_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="needs day, month and year"):
        read_date_format(text)


def test_numbers_of_seconds_are_a_form_of_their_own() -> None:
    texts = ["1585041706", "1585041706500", ""]
    form = find_day_format(texts, column="t")
    assert (form, shown_form(form)) == (UNIX, UNIX_TIME)
    assert [to_iso(text, form) for text in texts] == [
        "2020-03-24T09:21:46+00:00",
        "2020-03-24T09:21:46.500000+00:00",
        "",
    ]
    assert is_date("1585041706")
    assert has_clock("1585041706")
    # eight digits are a day
    assert find_day_format(["20200324"], column="t") == "%Y%m%d"
