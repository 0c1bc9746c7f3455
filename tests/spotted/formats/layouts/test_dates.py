from __future__ import annotations

from datetime import datetime

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.layouts.dates import DAYS, find_day_format, to_iso


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
