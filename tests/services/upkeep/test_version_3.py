from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from services.common.access.tokens import Tokens
from services.common.store import keys
from services.common.store.organisations import enrolled
from services.common.store.records import put_record
from services.common.store.store import Store
from services.common.survey.existence import Existence
from services.common.survey.listing import Listing
from services.upkeep.backup.catalogues import catalogue_ids
from services.upkeep.upgrade import STEPS, upgrade_store
from services.upkeep.version_3 import list_everything
from spotted.v1 import access_pb2, store_pb2
from tests.services.journal_entries import push
from tests.stores import running_store

SURVEYS = ("kenya", "wcs/leopards", "wcs/nyalas")


@pytest.fixture
def old() -> Iterator[Store]:
    """A store as the release before wrote it."""
    with running_store() as url:
        store = Store(url, version=None)
        store.put(keys.VERSION, b"2")
        for survey_id in SURVEYS:
            store.add_member(keys.surveys(keys.owner(survey_id)), survey_id)
            push(store, keys.survey_journal(survey_id), b"event")
        push(store, keys.catalogue_journal("lion"), b"change")
        put_record(store, keys.token("0" * 16), access_pb2.StoredToken(organisation="wcs"))
        put_record(store, keys.head("wcs", "d1"), store_pb2.StoredHead(survey_id="wcs/nyalas"))
        store.put(keys.head("wcs", "d2"), b"damaged")
        yield store
        store.close()


def test_every_key_is_visited_once(old: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    visited = []
    scan = redis.Redis.scan_iter

    def counted(client: redis.Redis, *args: object, **named: object) -> object:
        visited.append(named["match"])
        return scan(client, *args, **named)  # type: ignore[arg-type] # passed on

    monkeypatch.setattr(redis.Redis, "scan_iter", counted)
    list_everything(old, lambda: None)
    assert visited == ["spotted:*"]


def test_a_store_of_version_2_lists_everything_after_its_upgrade(old: Store) -> None:
    # a step that died is repeated as a whole
    list_everything(old, lambda: None)
    assert [step.before for step in upgrade_store(old, STEPS)] == ["2", "3"]
    new = Store(old.url)
    new.open()
    assert enrolled(new) == ["", "lion", "wcs"]
    assert Listing(new).existing() == sorted(SURVEYS)
    assert catalogue_ids(new) == ["lion//catalogue"]
    assert [*Tokens(new).all()] == ["0" * 16]
    assert new.members(keys.trained("wcs/nyalas")) == ["d1"]
    # what was listed is created and deleted as ever
    Existence(new).delete_survey("wcs/nyalas", "")
    assert Listing(new).ids("wcs") == ["wcs/leopards"]
    assert Existence(new).create_survey("wcs/leopards", b"event", b"", "", most=1) is None
    new.close()
