from __future__ import annotations

import uuid

from services.common.store.organisations import enrol, enrolled
from services.common.store.store import Store


def test_an_organisation_is_listed_once_and_none_needs_no_list(store: Store) -> None:
    name = f"o{uuid.uuid4().hex[:8]}"
    for each in (name, "", name):
        enrol(store, each)
    found = enrolled(store)
    assert found[0] == ""
    assert found.count(name) == 1
