from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.catalogue.facts import Attribute, Change, Fact, Facts, Link, Member, Membership, Value
from spotted.errors import NotFoundError, PreconditionError

ENTRIES = st.sampled_from(["cat-a", "cat-b", "cat-c"])
MEMBERS = st.builds(Member, st.sampled_from(["2024", "2025"]), st.sampled_from(["d1", "d2", "d3"]))
MEMBERSHIPS = st.one_of(st.none(), st.builds(Membership, ENTRIES, st.sampled_from([b"1", b"2"])))
NAMES = st.one_of(st.none(), st.sampled_from(["Sita", "Gita"]))
FACTS = st.one_of(
    st.tuples(MEMBERS, MEMBERSHIPS),
    st.tuples(st.builds(Attribute, ENTRIES, st.just("display_name")), NAMES),
    st.tuples(st.builds(Link, ENTRIES, ENTRIES), st.sampled_from([None, True])),
)
CHANGES = st.lists(st.lists(FACTS, min_size=1, max_size=4).map(dict), max_size=8)


def after(changes: list[dict[Fact, Value]]) -> Facts:
    facts = Facts()
    for number, change in enumerate(changes):
        facts.apply(Change(str(number), change))
    return facts


@given(CHANGES, CHANGES)
def test_undoing_changes_from_the_last_on_restores_what_was_known(
    before: list[dict[Fact, Value]], later: list[dict[Fact, Value]]
) -> None:
    facts = after([*before, *later])
    for number in reversed(range(len(before), len(before) + len(later))):
        facts.apply(Change(f"undo-{number}", facts.inverse(str(number))))
    assert facts.known == after(before).known


@given(CHANGES)
def test_undoing_an_undo_repeats_the_change(changes: list[dict[Fact, Value]]) -> None:
    if not changes:
        return
    facts, last = after(changes), str(len(changes) - 1)
    known = dict(facts.known)
    facts.apply(Change("undo", facts.inverse(last)))
    facts.apply(Change("redo", facts.inverse("undo")))
    assert facts.known == known


@given(CHANGES)
def test_facts_are_those_of_a_plain_loop(changes: list[dict[Fact, Value]]) -> None:
    known: dict[Fact, Value] = {}
    for change in changes:
        known |= change
    assert after(changes).known == {fact: value for fact, value in known.items() if value is not None}


def test_a_change_whose_facts_were_set_again_is_not_undone_before_the_later_one() -> None:
    name = Attribute("cat-a", "display_name")
    facts = after([{name: "Sita"}, {name: "Gita"}])
    with pytest.raises(PreconditionError, match="undo the later one first"):
        facts.inverse("0")
    facts.apply(Change("undo", facts.inverse("1")))
    assert facts.inverse("0") == {name: None}


def test_a_later_change_of_something_else_does_not_stand_in_the_way() -> None:
    facts = after([{Attribute("cat-a", "notes"): "ear"}, {Attribute("cat-a", "display_name"): "Gita"}])
    assert facts.inverse("0") == {Attribute("cat-a", "notes"): None}


def test_an_unknown_change_is_not_found() -> None:
    with pytest.raises(NotFoundError, match="no change 'none'"):
        Facts().inverse("none")


def test_an_entry_remembers_every_survey_that_it_had_a_member_of() -> None:
    member = Member("2024", "d1")
    facts = after([{member: Membership("cat-a", b"")}, {member: Membership("cat-b", b"")}, {member: None}])
    assert facts.surveys == {"cat-a": {"2024"}, "cat-b": {"2024"}}
    assert set(facts.concerned("1")) == {"cat-a", "cat-b"}


@given(CHANGES)
def test_the_facts_after_a_change_are_those_of_the_changes_until_then(
    changes: list[dict[Fact, Value]],
) -> None:
    facts = after(changes)
    for count in range(len(changes) + 1):
        earlier = facts.after(str(count - 1) if count else "")
        assert (earlier.known, earlier.surveys) == (
            after(changes[:count]).known,
            after(changes[:count]).surveys,
        )
    with pytest.raises(NotFoundError, match="no change 'none'"):
        facts.after("none")
