"""Removes blocks that no journal refers to, a day after that can have begun.

A process that dies between a block and the reference to it leaves the block, and so does a failover that
loses the reference. Blocks of a deleted survey are marked first and removed a day later, should a failover
bring the survey back.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence

from services.common.store import keys
from services.common.store.journal import PAGE_ENTRIES
from services.common.store.moved import is_moved, reference_of
from services.common.store.seal import entry_place, unsealed
from services.common.store.store import Store
from services.common.survey.listing import Listing
from services.common.survey.state import uid_of
from services.common.vectors.blocks import NO_ORGANISATION, VectorBlocks
from services.common.vectors.places import Kept

DAY_S = 24 * 3600.0
# marks the blocks of a survey that does not exist
GONE = "gone"
# store, organisation, survey and block
PARTS = 4


def sweep(store: Store, blocks: VectorBlocks, *, now: Callable[[], float] = time.time) -> list[str]:
    """Remove what is unused since a day; returns the names of removed blocks.

    now: UTC seconds since 1970. Raises UnavailableError if the blocks or the store cannot be reached.
    """
    # listed before the journals are read: a reference follows its block within an hour
    found = defaultdict[tuple[str, str], list[Kept]](list)
    for kept in blocks.kept():
        parts = kept.name.split("/")
        if len(parts) == PARTS:
            found[parts[1], parts[2]].append(kept)
    surveys, unread = _surveys(store)
    removed, before_s = list[str](), now() - DAY_S
    for (folder, uid), kept_blocks in found.items():
        organisation = "" if folder == NO_ORGANISATION else folder
        survey_id = surveys.get((organisation, uid))
        if survey_id is not None:
            unused: Sequence[Kept] = _unused(store, survey_id, kept_blocks)
        elif organisation in unread:
            continue
        else:
            unused = _gone(blocks, f"{blocks.store_id}/{folder}/{uid}/{GONE}", kept_blocks, before_s)
        for each in unused:
            if each.written_s < before_s:
                blocks.place.remove(each.name)
                removed.append(each.name)
    return removed


def _surveys(store: Store) -> tuple[dict[tuple[str, str], str], set[str]]:
    """Survey by organisation and uid; and the organisations that have a survey without a readable uid."""
    surveys, unread = dict[tuple[str, str], str](), set[str]()
    for survey_id in Listing(store).existing():
        journal = keys.survey_journal(survey_id)
        first = next(iter(store.slice(journal, 0, 0)), b"")
        created = unsealed(entry_place(journal, 0), first)
        if created:
            surveys[keys.owner(survey_id), uid_of(created)] = survey_id
        else:
            unread.add(keys.owner(survey_id))
    return surveys, unread


def _unused(store: Store, survey_id: str, kept: Sequence[Kept]) -> list[Kept]:
    """The blocks of a survey that its journal does not refer to; none if an entry of it is damaged."""
    journal, used, start = keys.survey_journal(survey_id), set[str](), 0
    while entries := store.slice(journal, start, start + PAGE_ENTRIES - 1):
        for position, entry in enumerate(entries, start):
            if is_moved(entry):
                reference = reference_of(entry_place(journal, position), entry)
                if reference is None:
                    return []
                used.add(reference.block)
        start += len(entries)
    return [each for each in kept if each.name.rpartition("/")[2] not in used]


def _gone(blocks: VectorBlocks, mark: str, kept: Sequence[Kept], before_s: float) -> Sequence[Kept]:
    """The blocks of a survey that does not exist, the mark last; none until they were marked for a day."""
    marked = next((each for each in kept if each.name == mark), None)
    if marked is None:
        blocks.place.put(mark, b"")
        return []
    if marked.written_s >= before_s:
        return []
    return [*(each for each in kept if each is not marked), marked]
