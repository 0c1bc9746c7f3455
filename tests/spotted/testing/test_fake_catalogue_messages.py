from __future__ import annotations

from spotted.catalogue.entries import Entry
from spotted.catalogue.facts import Attribute, Change, Fact, Link, Member, Membership, Value
from spotted.client.catalogue.messages import change_value, entry_value
from spotted.client.values import Alias
from spotted.individuals.attributes import Sex
from spotted.testing.fake_catalogue_messages import attributes_message, change_message, entry_message
from spotted.v1 import catalogue_pb2 as pb

KNOWN: dict[str, Value] = {"display_name": "Sita", "sex": Sex.FEMALE, "dead_since": 5.0, "tags": ("ear",)}

HEADER = pb.CatalogueChange(change_id="x", kind=pb.CATALOGUE_CHANGE_KIND_ADDED)


def test_an_entry_is_the_same_as_a_value_of_the_client() -> None:
    entry = Entry("cat-a", (Member("2024", "d1"),), KNOWN, (("cat-b", "Gita"),))
    value = entry_value([entry_message(entry)])
    assert (value.entry_id, value.members, value.etag) == ("cat-a", entry.members, entry.etag)
    assert (value.display_name, value.sex, value.dead_since_s, value.tags) == (
        "Sita",
        Sex.FEMALE,
        5.0,
        ("ear",),
    )
    assert value.aliases == (Alias("cat-b", "Gita"),)
    assert attributes_message("cat-a", {}) == pb.CatalogueEntry(entry_id="cat-a")


def test_a_change_names_what_it_set_and_removed() -> None:
    member, gone = Member("2024", "d1"), Member("2024", "d2")
    facts: dict[Fact, Value] = {member: Membership("cat-a", b""), gone: None, Link("cat-b", "cat-c"): None}
    change = Change("x", {**facts, Attribute("cat-d", "notes"): None, Attribute("cat-d", "sex"): 1})
    message = change_message(HEADER, change)
    value = change_value(message)
    assert value.members == {member: "cat-a", gone: ""}
    assert value.entry_ids == ("cat-b", "cat-c", "cat-d")
    assert [one.joined for one in message.links] == [False]
    assert [list(one.cleared_paths) for one in message.attributes] == [["notes"], []]
