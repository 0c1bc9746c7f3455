from __future__ import annotations

import pytest

from spotted.catalogue import statements
from spotted.catalogue.entries import CatalogueView, Entry, is_entry_id
from spotted.catalogue.facts import Attribute, Change, Fact, Facts, Link, Member, Membership, Value
from spotted.errors import ConcurrencyError, DigestMismatchError, InvalidInputError, NotFoundError

ONE, TWO, THREE = (Member("2024", f"d{n}") for n in range(3))
SPECS = {"2024": "a", "2025": "b"}


@pytest.fixture
def facts() -> Facts:
    made = Facts()
    members: dict[Fact, Value] = {
        ONE: Membership("cat-a", b"1"),
        TWO: Membership("cat-a", b"2"),
        THREE: Membership("cat-b", b"3"),
    }
    made.apply(Change("1", {**members, Member("2025", "d0"): Membership("cat-c", b"4")}))
    return made


def test_an_attribute_that_is_removed_is_removed_from_aliases_too() -> None:
    entry = Entry("cat-a", (), {"notes": "old"}, (("cat-b", ""),))
    removed = statements.update(entry, {"notes": None}, entry.etag)
    assert removed == {Attribute("cat-a", "notes"): None, Attribute("cat-b", "notes"): None}
    with pytest.raises(ConcurrencyError, match="'cat-a' changed"):
        statements.update(entry, {"notes": None}, "other")


def test_entries_are_linked_with_the_first(facts: Facts) -> None:
    view = CatalogueView(facts)
    assert statements.merge(view, ["cat-a", "cat-b"], SPECS) == {Link("cat-a", "cat-b"): True}
    with pytest.raises(InvalidInputError, match="are one already"):
        statements.merge(view, ["cat-a", "cat-a"], SPECS)
    with pytest.raises(DigestMismatchError, match="'cat-c'"):
        statements.merge(view, ["cat-a", "cat-c"], SPECS)


def test_members_go_to_another_entry_with_their_images(facts: Facts) -> None:
    view = CatalogueView(facts)
    a, b, c = (view.find(i) for i in ("cat-a", "cat-b", "cat-c"))
    assert statements.split(facts, a, [TWO], b, SPECS) == {TWO: Membership("cat-b", b"2")}
    (new,) = statements.split(facts, a, [TWO], None, SPECS).values()
    assert isinstance(new, Membership)
    assert is_entry_id(new.entry_id)
    with pytest.raises(InvalidInputError, match="name another entry"):
        statements.split(facts, a, [TWO], a, SPECS)
    with pytest.raises(NotFoundError, match="'d2' of survey '2024' is in no such entry"):
        statements.split(facts, a, [THREE], None, SPECS)
    with pytest.raises(DigestMismatchError):
        statements.split(facts, a, [TWO], c, SPECS)


def test_members_that_are_removed_are_in_no_entry(facts: Facts) -> None:
    view = CatalogueView(facts)
    assert statements.remove(view, [ONE, THREE]) == {ONE: None, THREE: None}
    with pytest.raises(NotFoundError, match="'d9'"):
        statements.remove(view, [ONE, Member("2024", "d9")])
