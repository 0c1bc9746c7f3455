"""The organisations of a store: an index that is written before what belongs to one."""

from __future__ import annotations

from services.common.store import keys
from services.common.store.store import Store


def enrol(store: Store, organisation: str) -> None:
    """List an organisation; "" needs no list."""
    if organisation:
        store.add_member(keys.ORGANISATIONS, organisation)


def enrolled(store: Store) -> list[str]:
    """The organisations that have, or had, surveys or a catalogue, sorted; first "", for tokens off."""
    return ["", *store.members(keys.ORGANISATIONS)]
