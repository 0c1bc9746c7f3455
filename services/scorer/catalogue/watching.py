"""Changes of the entries as a stream, which resumes at a cursor on any replica.

A cursor is a digest of the last change that the caller sees, so it tells nothing of hidden changes.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from services.common.access.caller import Caller
from services.common.rpc.filling import Filling
from services.scorer.catalogue.catalogues import Catalogues, CatalogueState
from services.scorer.catalogue.listing import MEMBERS_OF_PART, entry_message
from spotted.catalogue.differences import Differences, find_differences
from spotted.catalogue.entries import CatalogueView, Entry
from spotted.v1 import catalogue_pb2 as pb

# longest delay before a watcher sees a change made by another replica
WATCH_POLL_S = 0.5
CURSOR_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Step:
    """A change that a watcher does not have yet."""

    reset: bool
    differences: Differences
    cursor: str


class Follower:
    """A watcher, who has nothing yet or the entries at a cursor."""

    def __init__(self, caller: Caller, cursor: str) -> None:
        """Begin. cursor: that of the last change applied; "" for none."""
        self._caller = caller
        self._cursor = cursor
        self._entries: Sequence[Entry] | None = None

    def step(self, state: CatalogueState, view: CatalogueView) -> Step | None:
        """The change that the watcher does not have yet; None without one, but for the first."""
        before, reset = self._entries, False
        if before is view.entries:
            return None
        begins = before is None
        if before is None:
            before, reset = _at(self._cursor, state, self._caller)
        self._entries = view.entries
        found = find_differences(before, view.entries)
        return Step(reset, found, _cursor(view.last_seen(), self._caller)) if begins or found else None


async def watch_catalogue(
    catalogues: Catalogues, request: pb.WatchCatalogueRequest, caller: Caller
) -> AsyncIterator[pb.WatchCatalogueResponse]:
    """The entries from a cursor on, then each change."""
    follower = Follower(caller, request.cursor)
    while True:
        step = await asyncio.to_thread(catalogues.look, caller, follower.step)
        for part in await asyncio.to_thread(step_messages, step) if step else ():
            yield part
        await asyncio.sleep(WATCH_POLL_S)


def step_messages(step: Step) -> list[pb.WatchCatalogueResponse]:
    """A step in parts that fit into messages; the last one has the cursor."""
    filling = Filling(pb.WatchCatalogueResponse(reset=step.reset), pb.WatchCatalogueResponse)
    for ended in step.differences.ended:
        filling.with_room(len(ended)).ended_entry_ids.append(ended)
    for entry in step.differences.changed:
        for start in range(0, len(entry.members) or 1, MEMBERS_OF_PART):
            message = entry_message(entry, start, MEMBERS_OF_PART)
            filling.with_room(message.ByteSize()).entries.append(message)
    filling.messages[-1].cursor = step.cursor
    return filling.messages


def _at(cursor: str, state: CatalogueState, caller: Caller) -> tuple[Sequence[Entry], bool]:
    """The entries that a caller saw at a cursor; True beside none if there is no such cursor."""
    for change_id in ("", *state.headers) if cursor else ():
        if _cursor(change_id, caller) == cursor:
            earlier = state.facts.after(change_id)
            return CatalogueView(earlier, caller.sees if caller.surveys else None).entries, False
    return (), True


def _cursor(change_id: str, caller: Caller) -> str:
    seen = repr((change_id, caller.organisation, caller.surveys))
    return hashlib.sha256(seen.encode()).hexdigest()[:CURSOR_DIGITS]
