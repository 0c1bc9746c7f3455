from __future__ import annotations

from hypothesis import given, settings

from spotted.catalogue.differences import Differences, find_differences
from spotted.catalogue.entries import CatalogueView
from spotted.catalogue.facts import Fact, Value
from tests.spotted.catalogue.test_facts import CHANGES, after


@settings(max_examples=30)
@given(CHANGES, CHANGES)
def test_differences_make_one_list_of_the_other_and_name_nothing_else(
    first: list[dict[Fact, Value]], second: list[dict[Fact, Value]]
) -> None:
    before, now = CatalogueView(after(first)).entries, CatalogueView(after(second)).entries
    found = find_differences(before, now)
    copy = {entry.entry_id: entry for entry in before}
    for ended in found.ended:
        del copy[ended]
    assert not [entry for entry in found.changed if copy.get(entry.entry_id) == entry]
    copy |= {entry.entry_id: entry for entry in found.changed}
    assert copy == {entry.entry_id: entry for entry in now}
    assert bool(found) == (found != Differences())
    assert [entry.entry_id for entry in found.changed] == sorted(entry.entry_id for entry in found.changed)
