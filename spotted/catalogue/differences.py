"""How the entries of a catalogue differ from those that a watcher has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from spotted.catalogue.entries import Entry


@dataclass(frozen=True, slots=True)
class Differences:
    """The steps from one list of entries to another; false without any.

    >>> bool(Differences()), bool(Differences(ended=("cat-b",)))
    (False, True)
    """

    ended: tuple[str, ...] = ()
    """Ids of entries that are no longer there, ordered."""
    changed: tuple[Entry, ...] = ()
    """New and changed entries, by id."""

    def __bool__(self) -> bool:
        return bool(self.ended or self.changed)


def find_differences(before: Iterable[Entry], after: Iterable[Entry]) -> Differences:
    """The steps from the entries before to those after.

    >>> find_differences([Entry("cat-a", (), {}), Entry("cat-b", (), {})], [Entry("cat-a", (), {})])
    Differences(ended=('cat-b',), changed=())
    """
    known = {entry.entry_id: entry for entry in before}
    now = {entry.entry_id: entry for entry in after}
    changed = [entry for entry_id, entry in now.items() if known.get(entry_id) != entry]
    return Differences(
        tuple(sorted(known.keys() - now.keys())), tuple(sorted(changed, key=lambda entry: entry.entry_id))
    )
