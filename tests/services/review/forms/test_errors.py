from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from starlette.requests import Request

from services.review.forms.errors import (
    OTHER,
    ImageMissingError,
    answer_error,
    error_form,
    form_of,
    status_of,
)
from spotted import errors
from spotted.errors import SpottedError


def kinds(kind: type[SpottedError]) -> Iterator[type[SpottedError]]:
    for each in kind.__subclasses__():
        yield each
        yield from kinds(each)


@pytest.mark.parametrize("kind", list(kinds(SpottedError)), ids=lambda kind: kind.__name__)
def test_every_error_has_a_status_and_its_reason(kind: type[SpottedError]) -> None:
    more = {"retry_after_s": 2.0} if kind is errors.OverloadedError else {}
    error = kind("the message", file="a.jpg") if kind is ImageMissingError else kind("the message", **more)
    status = status_of(error)
    assert 400 <= status <= 503
    damaged = (errors.DamagedError, errors.StoreVersionError)
    assert (status == OTHER) == isinstance(error, damaged)
    form = form_of(error)["error"]
    assert isinstance(form, dict)
    assert (form["reason"], form["message"]) == (kind.reason, "the message")
    assert form["retry_after_s"] == (2.0 if more else None)


def test_an_unforeseen_error_is_no_answer() -> None:
    with pytest.raises(ZeroDivisionError):
        asyncio.run(answer_error(Request({"type": "http"}), ZeroDivisionError()))
    assert error_form("A", "b", file="c")["error"] == {
        "reason": "A",
        "message": "b",
        "field": "",
        "retry_after_s": None,
        "file": "c",
    }
