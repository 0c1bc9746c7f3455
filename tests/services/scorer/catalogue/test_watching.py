from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings

from services.common.access.caller import Caller
from services.common.process import now
from services.common.rpc import checks
from services.common.store.store import Store
from services.scorer.catalogue.catalogues import Catalogues, CatalogueState
from services.scorer.catalogue.watching import Follower, Step, step_messages, watch_catalogue
from spotted.catalogue.entries import Entry
from spotted.catalogue.facts import Attribute, Fact, Link, Member, Membership, Value
from spotted.client.catalogue.messages import watched_catalogue_changes
from spotted.v1 import catalogue_pb2 as pb
from tests.services.scorer.catalogue.test_catalogues import add
from tests.services.scorer.catalogue.test_catalogues import caller as caller  # noqa: PLC0414 - a fixture
from tests.services.scorer.catalogue.test_listing import crowd, state_of
from tests.spotted.catalogue.test_facts import CHANGES
from tests.waiting import PATIENCE_S

EVERYTHING, NARROW = Caller(), Caller(surveys=("2024",))


class Copy:
    """Entries as a watcher keeps them."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.cursor = ""

    def apply(self, step: Step) -> None:
        if step.reset:
            self.entries.clear()
        for ended in step.differences.ended:
            del self.entries[ended]
        self.entries |= {entry.entry_id: entry for entry in step.differences.changed}
        self.cursor = step.cursor


def first_step(state: CatalogueState, caller: Caller, cursor: str = "") -> Step:
    step = Follower(caller, cursor).step(state, state.view(caller))
    assert step is not None
    return step


@pytest.mark.parametrize("caller", [EVERYTHING, NARROW], ids=["all", "one survey"])
@settings(max_examples=30)
@given(changes=CHANGES)
def test_a_copy_is_equal_after_each_change_and_from_each_cursor_on(
    caller: Caller, changes: list[dict[Fact, Value]]
) -> None:
    copy, follower = Copy(), Follower(caller, "")
    cursors: list[tuple[str, dict[str, Entry]]] = []
    for number in range(len(changes) + 1):
        state = state_of(*changes[:number])
        view = state.view(caller)
        step = follower.step(state, view)
        expected = {entry.entry_id: entry for entry in view.entries}
        if step is None:
            assert copy.entries == expected
        else:
            copy.apply(step)
        assert follower.step(state, view) is None
        assert copy.entries == expected
        cursors.append((copy.cursor, dict(copy.entries)))
    for cursor, entries in cursors:
        resumed = Copy()
        resumed.entries = entries
        step = first_step(state, caller, cursor)
        assert not step.reset
        resumed.apply(step)
        assert resumed.entries == copy.entries


@pytest.mark.parametrize("cursor", ["", "x", "0" * 32, "ü"])
def test_an_unknown_cursor_begins_again(cursor: str) -> None:
    step = first_step(state_of(crowd("cat-a", 2)), EVERYTHING, cursor)
    assert (step.reset, [entry.entry_id for entry in step.differences.changed]) == (True, ["cat-a"])


def test_the_cursor_of_another_access_begins_again() -> None:
    state = state_of(crowd("cat-a", 1), {Member("2024", "x"): Membership("cat-b", b"")})
    assert first_step(state, NARROW, first_step(state, EVERYTHING).cursor).reset
    assert not first_step(state, NARROW, first_step(state, NARROW).cursor).reset


def test_changes_of_surveys_that_a_token_may_not_read_send_nothing_and_leave_the_cursor() -> None:
    shown: dict[Fact, Value] = {Member("2024", "x"): Membership("cat-b", b"")}
    hidden: dict[Fact, Value] = {**crowd("cat-a", 1), Attribute("cat-a", "display_name"): "Secret"}
    follower = Follower(NARROW, "")
    before = state_of(shown)
    first = follower.step(before, before.view(NARROW))
    assert first is not None
    state = state_of(
        shown, hidden, {Member("s", "y"): Membership("cat-b", b""), Link("cat-a", "cat-b"): True}
    )
    assert follower.step(state, state.view(NARROW)) is None
    again = first_step(state, NARROW)
    assert (again.cursor, again.differences) == (first.cursor, first.differences)


def test_a_large_change_comes_in_parts_with_one_cursor() -> None:
    letters = "𐌀" * 240
    facts: dict[Fact, Value] = {
        Member("s", f"{letters}{n:05}"): Membership(f"cat-{n % 3}", b"") for n in range(3000)
    }
    state = state_of(facts)
    parts = step_messages(first_step(state, EVERYTHING))
    assert len(parts) > 2
    assert max(part.ByteSize() for part in parts) < checks.PAGE_BYTES + 1024
    assert [bool(part.cursor) for part in parts] == [False] * (len(parts) - 1) + [True]
    assert [part.reset for part in parts] == [True] + [False] * (len(parts) - 1)
    (change,) = watched_catalogue_changes(parts)
    assert [len(entry.members) for entry in change.entries] == [1000] * 3


def test_the_stream_begins_before_the_catalogue_and_sends_each_change(store: Store, caller: Caller) -> None:
    one, other = Catalogues(store, now), Catalogues(store, now)

    async def watched() -> list[pb.WatchCatalogueResponse]:
        seen: list[pb.WatchCatalogueResponse] = []
        async for response in watch_catalogue(one, pb.WatchCatalogueRequest(), caller):
            seen.append(response)
            if len(seen) == 3:
                break
            await asyncio.to_thread(add, other, caller, f"{len(seen)}")
        return seen

    seen = asyncio.run(asyncio.wait_for(watched(), PATIENCE_S))
    assert [response.reset for response in seen] == [True, False, False]
    assert [[e.entry_id for e in response.entries] for response in seen] == [[], ["cat-1"], ["cat-2"]]
    assert all(response.cursor for response in seen)
