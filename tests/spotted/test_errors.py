from __future__ import annotations

import re
from collections.abc import Iterator

from spotted import errors


def every_kind(kind: type[errors.SpottedError] = errors.SpottedError) -> Iterator[type[errors.SpottedError]]:
    yield kind
    for nearer in kind.__subclasses__():
        # other tests may have imported services with nearer kinds of their own
        if nearer.__module__ == errors.__name__:
            yield from every_kind(nearer)


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    drawn = re.findall(r"[├└│─ ]*(\w+Error)\b", errors.__doc__ or "")
    assert sorted(drawn) == sorted(kind.__name__ for kind in every_kind())


def test_a_reason_is_upper_snake_and_short() -> None:
    for kind in every_kind():
        assert re.fullmatch(r"[A-Z][A-Z_]{0,62}", kind.reason)


def test_an_input_error_carries_its_field_and_an_overload_its_wait() -> None:
    assert errors.UnreadableImageError("x", field="crops[1]").field == "crops[1]"
    assert errors.InvalidInputError("x").field == ""
    assert errors.InvalidInputError("x", field="events[12].labels[3]").index == 12
    assert errors.InvalidInputError("x", field="events").index is None
    assert errors.OverloadedError("x", retry_after_s=1.5).retry_after_s == 1.5
