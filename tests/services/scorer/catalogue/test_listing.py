from __future__ import annotations

import pytest

from services.common.access.caller import Caller
from services.common.rpc.message_sizes import MAX_MESSAGE_BYTES
from services.scorer.catalogue.catalogues import CatalogueState
from services.scorer.catalogue.events import write_facts
from services.scorer.catalogue.listing import (
    change_result,
    entry_message,
    get_entry,
    list_changes,
    list_entries,
)
from spotted.catalogue.entries import CatalogueView, Entry
from spotted.catalogue.facts import Attribute, Fact, Member, Membership, Value
from spotted.errors import InvalidInputError, PreconditionError
from spotted.v1 import catalogue_pb2 as pb


def state_of(*changes: dict[Fact, Value]) -> CatalogueState:
    state = CatalogueState()
    for number, facts in enumerate(changes):
        message = pb.CatalogueChange(change_id=str(number), kind=pb.CATALOGUE_CHANGE_KIND_ADDED)
        write_facts(message, facts)
        state.apply(message.SerializeToString())
    return state


def crowd(entry_id: str, count: int, length: int = 4) -> dict[Fact, Value]:
    return {Member("s", f"{n:0{length}}"): Membership(entry_id, b"image") for n in range(count)}


def pages(view: CatalogueView, size: int) -> list[list[pb.CatalogueEntry]]:
    made, token = [], ""
    while True:
        request = pb.ListCatalogueEntriesRequest(page_size=size, page_token=token)
        page, token = list_entries(view, request, Caller())
        made.append(page)
        if not token:
            return made


def test_a_large_entry_comes_in_parts_and_all_members_once() -> None:
    state = state_of(crowd("cat-a", 1234), {Attribute("cat-a", "display_name"): "Sita"})
    parts = [part for page in pages(state.view(Caller()), 1) for part in page]
    assert [len(part.members) for part in parts] == [500, 500, 234]
    assert [(part.display_name, part.member_count) for part in parts] == [("Sita", 1234), ("", 0), ("", 0)]
    assert [m.detection_id for part in parts for m in part.members] == [f"{n:04}" for n in range(1234)]


def test_an_entry_without_members_is_one_part() -> None:
    state = state_of(crowd("cat-a", 1), {Member("s", "0000"): None, Attribute("cat-a", "sex"): 1})
    ((part,),) = pages(state.view(Caller()), 5)
    assert (part.sex, part.member_count) == (1, 0)


def test_lists_and_results_fit_into_messages() -> None:
    letters = "𐌀" * 240
    facts: dict[Fact, Value] = {
        Member("s", f"{letters}{n:05}"): Membership(f"cat-{n % 3}", b"") for n in range(6000)
    }
    notes: dict[Fact, Value] = {Attribute(f"cat-{n}", "notes"): "𐌀" * 4096 for n in range(300)}
    state = state_of(facts, {**crowd("cat-9", 1), **notes})
    view = state.view(Caller())
    for page in pages(view, 1000):
        assert pb.ListCatalogueEntriesResponse(entries=page).ByteSize() < MAX_MESSAGE_BYTES
    for change_id in ("0", "1"):
        assert change_result(state, view, change_id).ByteSize() < MAX_MESSAGE_BYTES
    changes, _ = list_changes(state, view, pb.ListCatalogueChangesRequest(), Caller())
    assert pb.ListCatalogueChangesResponse(changes=changes).ByteSize() < MAX_MESSAGE_BYTES


def test_an_entry_too_large_for_a_message_is_refused() -> None:
    letters = "𐌀" * 240
    state = state_of({Member("s", f"{letters}{n:05}"): Membership("cat-a", b"") for n in range(5000)})
    view = state.view(Caller())
    with pytest.raises(PreconditionError, match="too many for one message"):
        get_entry(view, "cat-a")
    assert get_entry(state_of(crowd("cat-a", 5)).view(Caller()), "cat-a").member_count == 5


def test_changes_are_listed_without_images_and_by_entry() -> None:
    state = state_of(crowd("cat-a", 1), {Member("s", "x"): Membership("cat-b", b"image")})
    view = state.view(Caller())
    everything, _ = list_changes(state, view, pb.ListCatalogueChangesRequest(), Caller())
    assert [change.change_id for change in everything] == ["0", "1"]
    assert not any(member.image for change in everything for member in change.members)
    (only,), _ = list_changes(state, view, pb.ListCatalogueChangesRequest(entry_id="cat-b"), Caller())
    assert only.change_id == "1"


def test_filters_of_a_list_must_all_hold() -> None:
    state = state_of(crowd("cat-a", 1), {Member("t", "x"): Membership("cat-b", b"")})
    view = state.view(Caller())

    def listed(**request: str) -> list[str]:
        asked = pb.ListCatalogueEntriesRequest(**request)  # type: ignore[arg-type] # texts
        return [entry.entry_id for entry in list_entries(view, asked, Caller())[0]]

    assert listed() == ["cat-a", "cat-b"]
    assert listed(survey_id="t") == listed(survey_id="t", detection_id="x") == ["cat-b"]
    assert listed(survey_id="t", detection_id="y") == listed(display_name="nobody") == []
    with pytest.raises(InvalidInputError, match="needs the survey_id"):
        listed(detection_id="x")


def test_an_etag_differs_for_all_that_is_seen() -> None:
    first = Entry("cat-a", (Member("s", "d"),), {"sex": 1})
    others = [
        Entry("cat-b", first.members, first.attributes),
        Entry("cat-a", (), first.attributes),
        Entry("cat-a", first.members, {"sex": 2}),
        Entry("cat-a", first.members, first.attributes, (("cat-b", ""),)),
    ]
    assert len({entry.etag for entry in (first, *others)}) == 5
    assert entry_message(first).etag == first.etag
