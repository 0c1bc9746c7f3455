from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scorer.catalogue.events import (
    ATTRIBUTES,
    read_attribute,
    read_change,
    write_attribute,
    write_facts,
)
from spotted.catalogue.facts import Attribute, Change, Fact, Link, Member, Membership, Value
from spotted.v1 import catalogue_pb2 as pb

WORDS = st.text(min_size=1, max_size=5)
VALUES: dict[str, st.SearchStrategy[Value]] = {
    "display_name": WORDS,
    "sex": st.sampled_from([1, 2]),
    "status": st.sampled_from([1, 2, 3]),
    "dead_since": st.sampled_from([1.0, 1.5e9]),
    "notes": WORDS,
    "tags": st.lists(WORDS, min_size=1, max_size=3).map(tuple),
}


@st.composite
def facts(draw: st.DrawFn) -> dict[Fact, Value]:
    made: dict[Fact, Value] = {}
    for _ in range(draw(st.integers(0, 3))):
        image = draw(st.binary(min_size=1, max_size=4))
        value = draw(st.sampled_from([None, Membership("cat-a", image)]))
        made[Member(draw(WORDS), draw(WORDS))] = value
        path = draw(st.sampled_from(ATTRIBUTES))
        made[Attribute(draw(WORDS), path)] = draw(st.one_of(st.none(), VALUES[path]))
        made[Link(draw(WORDS), draw(WORDS))] = draw(st.sampled_from([None, True]))
    return made


@given(facts())
def test_facts_are_the_same_after_a_message(made: dict[Fact, Value]) -> None:
    message = pb.CatalogueChange(change_id="one")
    write_facts(message, made)
    assert read_change(pb.CatalogueChange.FromString(message.SerializeToString())) == Change("one", made)


@pytest.mark.parametrize("path", ATTRIBUTES)
def test_an_attribute_that_is_not_set_says_nothing(path: str) -> None:
    assert read_attribute(pb.CatalogueEntry(), path) is None


def test_an_attribute_is_read_as_it_was_written() -> None:
    entry = pb.CatalogueEntry()
    written: dict[str, Value] = {"display_name": "Sita", "sex": 1, "dead_since": 5.5, "tags": ("ear", "left")}
    for path, value in written.items():
        write_attribute(entry, path, value)
    assert {path: read_attribute(entry, path) for path in written} == written
