from __future__ import annotations

from spotted import messages
from spotted.catalogue.facts import Member
from spotted.client.catalogue.messages import (
    added_animal,
    addition_message,
    catalogue_result,
    change_value,
    entry_message,
    entry_value,
    entry_values,
    match_values,
    member_messages,
    watched_catalogue_changes,
)
from spotted.client.values import (
    Alias,
    CatalogueAddition,
    CatalogueChangeKind,
    CatalogueSource,
    Individual,
)
from spotted.individuals.attributes import Attributes, Sex, Status
from spotted.v1 import catalogue_pb2 as pb

MEMBERS = (Member("2024", "d1"), Member("2025", "d2"))
FACTS = Attributes("Sita", Sex.FEMALE, Status.DEAD, 5.0, "old", ("ear",))


def test_an_entry_is_the_same_after_a_message() -> None:
    message = entry_message("cat-a", FACTS, "tag")
    message.members.extend(member_messages(MEMBERS))
    message.aliases.add(entry_id="cat-b", display_name="Gita")
    value = entry_value([message])
    assert (value.display_name, value.sex, value.status, value.dead_since_s, value.notes, value.tags) == (
        "Sita", Sex.FEMALE, Status.DEAD, 5.0, "old", ("ear",)
    )  # fmt: skip
    assert (value.members, value.aliases, value.etag) == (MEMBERS, (Alias("cat-b", "Gita"),), "tag")


def test_parts_of_a_large_entry_are_one() -> None:
    parts = [
        pb.CatalogueEntry(entry_id="cat-a", display_name="Sita", members=member_messages(MEMBERS[:1])),
        pb.CatalogueEntry(entry_id="cat-a", members=member_messages(MEMBERS[1:])),
        pb.CatalogueEntry(entry_id="cat-b"),
    ]
    assert [(one.name, one.members) for one in entry_values(parts)] == [("Sita", MEMBERS), ("cat-b", ())]


def test_an_addition_has_all_that_is_known_of_the_individual() -> None:
    one = Individual("ind-d1", ("d1", "d2"), "Sita", Sex.MALE, Status.DEAD, 5.0, "old", ("ear",))
    message = addition_message(CatalogueAddition(one, "cat-a"))
    assert (message.entry_id, list(message.individual.detection_ids)) == ("cat-a", ["d1", "d2"])
    assert message.individual.sex == int(Sex.MALE)
    assert messages.optional_seconds(message.individual, "dead_since") == 5.0
    refused = pb.CatalogueAdditionResult(same_name_entry_ids=["cat-b"])
    refused.error.reason = "NOT_FOUND"
    value = added_animal(CatalogueAddition(one), refused)
    assert (value.name, value.reason, value.same_name) == ("Sita", "NOT_FOUND", ("cat-b",))


def test_a_change_names_its_members_and_entries() -> None:
    message = pb.CatalogueChange(
        change_id="x", kind=pb.CATALOGUE_CHANGE_KIND_ADDED, source=pb.CATALOGUE_SOURCE_SESSION
    )
    message.members.add(survey_id="2024", detection_id="d1", entry_id="cat-a")
    message.attributes.add().entry.entry_id = "cat-c"
    message.links.add(entry_id="cat-b", merged_entry_id="cat-a", joined=True)
    value = change_value(message)
    assert (value.kind, value.source) == (CatalogueChangeKind.ADDED, CatalogueSource.SESSION)
    assert value.members == {Member("2024", "d1"): "cat-a"}
    assert value.entry_ids == ("cat-a", "cat-b", "cat-c")
    assert change_value(pb.CatalogueChange(kind=pb.CATALOGUE_CHANGE_KIND_MERGED)).source is None
    assert hash(value) == hash("x")


def test_a_match_has_the_surveys_of_its_response() -> None:
    response = pb.MatchCatalogueResponse()
    response.score_spec.fallback = "no calibration"
    response.surveys.add(survey_id="2024", members=3, missing=1, reason="metres")
    match = response.matches.add(detection_ids=["d1"], entry_id="cat-a", compared=3)
    match.photographs.add(survey_id="2024", detection_id="d9", fused=0.5)
    match.animals.add(entry_id="cat-b", display_name="Gita").best.feasibility = 0.25
    (value,) = match_values(response)
    assert (value.fallback, value.surveys[0].reason, value.compared) == ("no calibration", "metres", 3)
    assert value.photographs[0].feasibility is None
    assert value.animals[0].best.feasibility == 0.25


def test_a_result_has_its_entries() -> None:
    result = catalogue_result(
        pb.CatalogueChangeResult(change_id="x", entries=[pb.CatalogueEntry(entry_id="a")])
    )
    assert (result.change_id, result.entries[0].entry_id) == ("x", "a")


def test_the_parts_of_a_watched_change_are_one_and_a_cut_off_change_is_left_out() -> None:
    sita = [pb.CatalogueEntry(entry_id="cat-a", display_name="Sita", members=member_messages(MEMBERS[:1]))]
    parts = [
        pb.WatchCatalogueResponse(reset=True, ended_entry_ids=["cat-b"], entries=sita),
        pb.WatchCatalogueResponse(
            entries=[pb.CatalogueEntry(entry_id="cat-a", members=member_messages(MEMBERS[1:]))], cursor="x"
        ),
        pb.WatchCatalogueResponse(ended_entry_ids=["cat-a"]),
    ]
    (change,) = watched_catalogue_changes(parts)
    assert (change.reset, change.ended, change.cursor) == (True, ("cat-b",), "x")
    assert [(entry.name, entry.members) for entry in change.entries] == [("Sita", MEMBERS)]
