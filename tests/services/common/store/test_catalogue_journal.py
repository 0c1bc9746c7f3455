from __future__ import annotations

import uuid

import pytest

from services.common.store import keys
from services.common.store.catalogue_journal import CatalogueJournal
from services.common.store.journal import Change
from services.common.store.store import Store
from spotted.errors import SurveyDamagedError
from tests.services.journal_entries import break_entry


@pytest.mark.parametrize("named", [True, False])
def test_its_keys_are_in_one_slot_and_apart_from_those_of_surveys(store: Store, *, named: bool) -> None:
    organisation = f"org{uuid.uuid4().hex[:8]}" if named else ""
    journal = CatalogueJournal(store, organisation)
    journal.append(Change(b"first", b"answer"), expected=0, scope="Add", request_id="once")
    prefix = f"spotted:{{c:{organisation}}}:"
    assert keys.of_catalogue(organisation) == prefix
    found = set(store.names(prefix))
    assert {journal.key, journal.key + keys.LENGTH, journal.request_key("Add", "once")} <= found
    assert list(journal.read(0)) == [b"first"]
    assert journal.answered("Add", "once") == b"answer"
    store.delete(*found)


def test_damage_is_reported_as_that_of_the_catalogue(store: Store) -> None:
    journal = CatalogueJournal(store, f"org{uuid.uuid4().hex[:8]}")
    journal.append(Change(b"first", b""), expected=0, scope="Add", request_id="once")
    break_entry(store, journal.key, 0, "a bit is flipped")
    with pytest.raises(SurveyDamagedError, match=r"the catalogue is damaged at event 1 .*--over-damaged"):
        list(journal.read(0))
