from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.common.store import keys
from services.common.store.journal import generation
from services.common.store.store import Store
from services.upkeep.checksums import add_checksums
from services.upkeep.upgrade import STEPS, upgrade_store
from spotted.local import processes
from tests.services.upkeep.living import Life, seen, store_head
from tests.spotted.client.surveys import serving

SURVEY = "kenya"


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Store]:
    """A store of its own with a survey that was worked on."""
    member = processes.start_store(tmp_path, processes.free_port())
    processes.wait(member, tmp_path / "store.log")
    store = Store(f"redis://{member.address}/0", version=None)
    store.put(keys.VERSION, keys.STORE_VERSION.encode())
    yield store
    store.close()
    processes.end(member)


def lived(store: Store) -> dict[str, object]:
    """What services show of a survey after some work on it."""
    with serving(store) as spotted:
        life = Life(spotted, store, SURVEY, 1)
        for step in (life.add, life.answer, life.answer, life.retract, life.calibrate):
            step()
        life.survey.activate_head(store_head(store, 1, SURVEY))
        return seen(spotted, SURVEY)


def everything(store: Store) -> dict[str, list[bytes]]:
    """Strings and lists of the store by key."""
    found = {}
    for key in store.names("spotted:"):
        if key.endswith("journal"):
            found[key] = store.slice(key, 0, -1)
        elif not key.endswith((":leases", ":sessions")) and key not in {keys.surveys(""), keys.SYNCED}:
            found[key] = [store.get(key) or b""]
    return found


def to_version_1(store: Store) -> None:
    """Take away what version 2 has more, as a store of version 1 was."""
    stored = everything(store)
    firsts = [values[0] for key, values in stored.items() if key.endswith("journal")]
    digests = {generation(first).encode(): generation(first[:-4]).encode() for first in firsts}
    for key, values in stored.items():
        if key.endswith(keys.LENGTH):
            store.delete(key)
        elif key.endswith("journal"):
            cut = "for i = 1, #ARGV do redis.call('LSET', KEYS[1], i - 1, ARGV[i]) end"
            store.script(cut)([key], [value[:-4] for value in values])
        elif key != keys.VERSION and values[0]:
            value = digests.get(values[0][:40], values[0][:40]) + values[0][40:]
            value = value if ":request:CreateSession:" in key else value[:-4]
            store.script("redis.call('SET', KEYS[1], ARGV[1], 'KEEPTTL')")([key], [value])
    store.put(keys.VERSION, b"1")


def test_a_store_of_version_1_is_the_same_after_its_upgrade(old: Store) -> None:
    shown = lived(old)
    stored = everything(old)
    to_version_1(old)
    assert everything(old) != stored
    # as if it died after the first change, and was repeated
    add_checksums(old, lambda: None)
    assert upgrade_store(old, STEPS) == list(STEPS)
    assert everything(old) == stored
    with serving(old) as spotted:
        assert {**seen(spotted, SURVEY), "asked": None} == {**shown, "asked": None}
        assert spotted.survey(SURVEY).session("main").next_pairs("berta").pairs


def test_time_to_live_stays(old: Store) -> None:
    lived(old)
    to_version_1(old)
    ttl = old.script("return redis.call('TTL', KEYS[1])", writes=False)
    requests = [key for key in old.names(keys.of_survey(SURVEY)) if ":request:" in key]
    upgrade_store(old, STEPS)
    assert requests
    assert all(0 < int(str(ttl([key], []))) <= keys.REQUEST_TTL_S for key in requests)
