from __future__ import annotations

import pytest
from hypothesis import given

from spotted.catalogue.entries import CatalogueView, Entry
from spotted.catalogue.facts import Attribute, Change, Fact, Facts, Link, Member, Membership, Value
from spotted.errors import NotFoundError
from tests.spotted.catalogue.test_facts import CHANGES, after


def known(*facts: tuple[Fact, Value]) -> Facts:
    made = Facts()
    made.apply(Change("all", dict(facts)))
    return made


def has(entry_id: str, survey_id: str, detection_id: str) -> tuple[Fact, Value]:
    return Member(survey_id, detection_id), Membership(entry_id, b"")


def named(entry_id: str, name: str) -> tuple[Fact, Value]:
    return Attribute(entry_id, "display_name"), name


def only(survey_id: str) -> set[str]:
    return {survey_id}


def test_entries_are_ordered_by_name_and_those_without_come_last() -> None:
    facts = known(
        has("cat-c", "s", "1"), has("cat-b", "s", "2"), has("cat-a", "s", "3"), named("cat-c", "ada"),
        named("cat-b", "Bo"),
    )  # fmt: skip
    assert [entry.entry_id for entry in CatalogueView(facts).entries] == ["cat-c", "cat-b", "cat-a"]


def test_linked_entries_are_one_and_the_first_keeps_id_and_attributes() -> None:
    facts = known(
        has("cat-a", "s", "1"), has("cat-b", "t", "2"), named("cat-a", "Ada"), named("cat-b", "Bo"),
        (Attribute("cat-a", "notes"), "scar"), (Link("cat-b", "cat-a"), True),
    )  # fmt: skip
    (entry,) = CatalogueView(facts).entries
    assert entry == Entry(
        "cat-b",
        (Member("s", "1"), Member("t", "2")),
        {"display_name": "Bo", "notes": "scar"},
        (("cat-a", "Ada"),),
    )
    view = CatalogueView(facts)
    assert view.find("cat-a") == view.find("cat-b") == view.of(Member("s", "1")) == entry
    assert view.named("ada") == view.named("BO") == [entry]


def test_a_link_through_an_entry_that_is_not_seen_joins_those_that_are() -> None:
    facts = known(
        has("cat-a", "kenya", "1"), has("cat-h", "hidden", "2"), has("cat-z", "kenya", "3"),
        named("cat-h", "Secret"), (Link("cat-h", "cat-a"), True), (Link("cat-z", "cat-h"), True),
    )  # fmt: skip
    (entry,) = CatalogueView(facts, only("kenya").__contains__).entries
    assert [m.detection_id for m in entry.members] == ["1", "3"]
    assert (entry.name, [alias for alias, _ in entry.aliases]) == ("", ["cat-z"])


@given(CHANGES)
def test_a_reader_of_one_survey_sees_what_would_be_there_without_the_others(
    changes: list[dict[Fact, Value]],
) -> None:
    """Facts of entries and members that the reader does not see change nothing but who is who."""
    facts = after(changes)
    seen = {entry_id for entry_id, surveys in facts.surveys.items() if "2024" in surveys}
    view = CatalogueView(facts, only("2024").__contains__)
    for entry in view.entries:
        assert {entry.entry_id, *(alias for alias, _ in entry.aliases)} <= seen
        assert {member.survey_id for member in entry.members} <= {"2024"}
    # each member that is seen is in exactly one entry
    members = sorted(fact for fact in facts.known if isinstance(fact, Member) and fact.survey_id == "2024")
    assert sorted(member for entry in view.entries for member in entry.members) == members
    # and a survey that nobody may read is as if it had never been there
    assert CatalogueView(facts, lambda _: False).entries == []
    everything = [e for e in CatalogueView(facts).entries if e.entry_id in facts.surveys and not e.aliases]
    assert all(e in CatalogueView(facts, lambda _: True).entries for e in everything)


def test_an_id_of_one_kind_is_none_of_another() -> None:
    facts: list[Fact] = [Member("a", "notes"), Attribute("a", "notes"), Link("a", "notes")]
    assert len(set(facts)) == 3


def test_members_elsewhere_change_nothing_that_the_reader_sees() -> None:
    ours = [has("cat-a", "kenya", "1"), named("cat-a", "Ada")]
    theirs = [has("cat-a", "hidden", "2"), has("cat-b", "hidden", "3"), named("cat-b", "Ada")]
    with_theirs = CatalogueView(known(*ours, *theirs), only("kenya").__contains__)
    assert with_theirs.entries == CatalogueView(known(*ours), only("kenya").__contains__).entries
    assert with_theirs.named("Ada") == with_theirs.entries
    assert with_theirs.of(Member("hidden", "2")) is None
    with pytest.raises(NotFoundError, match="no entry 'cat-b'"):
        with_theirs.find("cat-b")


def test_a_change_that_concerns_a_survey_which_is_not_read_is_not_shown() -> None:
    facts = after(
        [
            dict([has("cat-a", "kenya", "1")]),
            dict([has("cat-b", "hidden", "2")]),
            {Link("cat-a", "cat-b"): True},
            dict([named("cat-a", "Ada")]),
        ]
    )
    view = CatalogueView(facts, only("kenya").__contains__)
    assert [view.shows(str(number)) for number in range(4)] == [True, False, False, True]
    assert all(CatalogueView(facts).shows(str(number)) for number in range(4))


def test_an_animal_without_photographs_keeps_its_name() -> None:
    facts = after([dict([has("cat-a", "s", "1"), named("cat-a", "Ada")]), {Member("s", "1"): None}])
    for view in (CatalogueView(facts), CatalogueView(facts, only("s").__contains__)):
        assert [(entry.name, entry.members) for entry in view.entries] == [("Ada", ())]


def test_the_last_change_that_a_reader_sees_sets_a_fact_of_what_they_see() -> None:
    changes: list[dict[Fact, Value]] = [
        dict([has("cat-a", "kenya", "1"), has("cat-h", "hidden", "2")]),
        dict([named("cat-a", "Ada")]),
        dict([named("cat-h", "Secret")]),
        dict([has("cat-a", "hidden", "3")]),
        {Link("cat-a", "cat-h"): True},
    ]
    facts = after(changes)
    assert CatalogueView(facts).last_seen() == "4"
    assert CatalogueView(facts, only("kenya").__contains__).last_seen() == "1"
    assert CatalogueView(facts, only("hidden").__contains__).last_seen() == "4"
    assert CatalogueView(facts, only("nowhere").__contains__).last_seen() == ""
    assert CatalogueView(Facts()).last_seen() == ""
