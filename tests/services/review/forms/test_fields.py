from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.review.forms.fields import LONGEST_TEXT, Body
from spotted.errors import InvalidInputError
from spotted.survey import Side

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(JSON)
def test_a_field_is_what_it_should_be_or_is_named(value: object) -> None:
    body = Body({"x": value}, "labels[3].")
    readings: list[Callable[[], object]] = [
        lambda: isinstance(body.text("x"), str),
        lambda: isinstance(body.whole("x", 0, most=9), int),
        lambda: isinstance(body.flag("x"), bool),
        lambda: all(isinstance(one, str) for one in body.texts("x")),
        lambda: all(isinstance(one, Body) for one in body.objects("x")),
        lambda: isinstance(body.chosen("x", Side), Side),
    ]
    refusals = [refusal(reading) for reading in readings]
    assert {one.field for one in refusals if one} <= {"labels[3].x"}
    assert all("labels[3].x is" in str(one) for one in refusals if one)


def refusal(reading: Callable[[], object]) -> InvalidInputError | None:
    """The error of a reading; None if it gave what it should."""
    try:
        assert reading()
    except InvalidInputError as error:
        return error
    return None


def test_fields_of_an_address_are_texts() -> None:
    query = Body({"n": "12", "yes": "1", "no": "0", "list": "a,b,,c"})
    assert (query.whole("n", 0, most=20), query.flag("yes"), query.flag("no")) == (12, True, False)
    assert query.texts("list") == ["a", "b", "c"]
    assert query.chosen("side", Side) if query.has("side") else True


@pytest.mark.parametrize("value", [True, -1, 21, "x", "-1", 1.5])
def test_numbers_have_bounds(value: object) -> None:
    with pytest.raises(InvalidInputError, match="from 1 to 20"):
        Body({"n": value}).whole("n", 1, least=1, most=20)


def test_texts_have_bounds() -> None:
    with pytest.raises(InvalidInputError, match="at most"):
        Body({"x": "a" * (LONGEST_TEXT + 1)}).text("x")
    with pytest.raises(InvalidInputError, match="not empty"):
        Body({}).required("x")
    assert Body({"side": "left"}).chosen("side", Side) is Side.LEFT
