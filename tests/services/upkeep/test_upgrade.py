from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
import redis

from services.common.store import keys
from services.common.store.journal import Change, Journal
from services.common.store.store import Store
from services.upkeep.upgrade import STEPS, Step, pending, upgrade_store, version
from spotted.errors import ConcurrencyError, PreconditionError, StoreUnavailableError, StoreVersionError
from spotted.local import processes
from tests.services.listing import enlist
from tests.services.upkeep.steps import LEASE_S, RENAMED, events_key
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[3]
SURVEYS = [f"s{n}" for n in range(6)]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A store of its own, of version 1, with some surveys."""
    member = processes.start_store(tmp_path, processes.free_port())
    processes.wait(member, tmp_path / "store.log")
    address = f"redis://{member.address}/0"
    old = Store(address, version="1")
    old.open()
    for survey_id in SURVEYS:
        enlist(old, survey_id)
        append(old, survey_id, b"first", at=0)
    old.close()
    yield address
    processes.end(member)


@pytest.fixture
def any_version(url: str) -> Iterator[Store]:
    store = Store(url, version=None)
    yield store
    store.close()


def append(store: Store, survey_id: str, entry: bytes, at: int) -> None:
    journal = Journal(store, survey_id)
    journal.append(Change(entry, b""), expected=at, scope="test", request_id=entry.hex())


def held(store: Store) -> dict[str, list[bytes]]:
    return {
        survey_id: [entry[:-4] for entry in store.slice(events_key(survey_id), 0, -1)]
        for survey_id in SURVEYS
    }


def test_this_release_has_a_way_to_its_own_version() -> None:
    assert pending(keys.STORE_VERSION, STEPS) == []
    for step, following in pairwise(STEPS):
        assert step.after == following.before
    assert all(step.after == keys.STORE_VERSION for step in STEPS[-1:])


def test_a_store_is_brought_to_the_next_version(url: str, any_version: Store) -> None:
    assert upgrade_store(any_version, [RENAMED], target="2") == [RENAMED]
    assert version(any_version) == "2"
    assert held(any_version) == {survey_id: [b"first"] for survey_id in SURVEYS}
    assert any_version.get(keys.UPGRADE) is None
    new = Store(url, version="2")
    new.open()
    new.close()


def test_a_repeat_does_nothing(any_version: Store) -> None:
    upgrade_store(any_version, [RENAMED], target="2")
    assert upgrade_store(any_version, [RENAMED], target="2") == []


def test_steps_are_taken_in_their_order_from_where_the_store_is(any_version: Store) -> None:
    taken: list[str] = []

    def step(before: str, after: str) -> Step:
        return Step(before, after, lambda *_: taken.append(after))

    steps = [step("0", "1"), step("1", "2"), step("2", "3")]
    upgrade_store(any_version, steps, target="3")
    assert taken == ["2", "3"]
    assert [s.after for s in pending("2>3", steps, "3")] == ["3"]


@pytest.mark.parametrize("found", ["0", "7", "2>3"])
def test_a_version_that_no_step_leads_from_is_refused(any_version: Store, found: str) -> None:
    any_version.put(keys.VERSION, found.encode())
    with pytest.raises(StoreVersionError, match=f"version {found}, and this release can upgrade to 2"):
        upgrade_store(any_version, [RENAMED], target="2")
    assert version(any_version) == found


def test_an_upgrade_that_was_killed_half_way_goes_on(url: str, any_version: Store) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.services.upkeep.steps", url],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as dying:
        assert dying.stdout is not None
        assert dying.stdout.readline() == b"half\n"
        with pytest.raises(ConcurrencyError, match="another upgrade of the store is running"):
            upgrade_store(any_version, [RENAMED], target="2", lease_s=LEASE_S)
        dying.kill()
    assert version(any_version) == "1>2"
    for release in ("1", "2"):
        with pytest.raises(StoreVersionError, match=r"version 1>2.*run it again if it was interrupted"):
            Store(url, version=release).open()
    assert list(held(any_version).values()).count([b"first"]) == 1
    until(lambda: any_version.get(keys.UPGRADE) is None, "the lease of the killed upgrade has ended")
    assert upgrade_store(any_version, [RENAMED], target="2") == [RENAMED]
    assert held(any_version) == {survey_id: [b"first"] for survey_id in SURVEYS}


def test_a_step_that_fails_lets_the_next_upgrade_begin_at_once(any_version: Store) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        upgrade_store(any_version, [Step("1", "2", fail)], target="2")
    assert version(any_version) == "1>2"
    assert upgrade_store(any_version, [RENAMED], target="2") == [RENAMED]


def test_who_lost_its_lease_changes_the_version_no_more(any_version: Store) -> None:
    def taken_over(store: Store, alive: Callable[[], None]) -> None:
        store.put(keys.UPGRADE, b"another")
        alive()

    with pytest.raises(ConcurrencyError, match="another upgrade"):
        upgrade_store(any_version, [Step("1", "2", taken_over)], target="2")
    assert version(any_version) == "1>2"
    assert any_version.get(keys.UPGRADE) == b"another"


def test_a_service_of_the_old_release_writes_nothing_once_an_upgrade_has_begun(
    url: str, any_version: Store
) -> None:
    """Several writers of the old release never pause; the step sees all that they wrote."""
    begun = threading.Event()
    seen: dict[str, int] = {}

    def count(store: Store, alive: Callable[[], None]) -> None:
        seen.update((i, store.length(keys.survey_journal(i))) for i in SURVEYS)
        begun.set()
        for thread in writers:
            thread.join(30)
        RENAMED.apply(store, alive)

    acknowledged = dict.fromkeys(SURVEYS, 1)
    ends: list[Exception] = []

    def write(survey_id: str) -> None:
        old = Store(url, version="1")
        old.open()
        try:
            while True:
                at = acknowledged[survey_id]
                # the upgrade closes connections in the middle of calls, which are then repeated
                with suppress(StoreUnavailableError):
                    append(old, survey_id, b"%d" % at, at=at)
                    acknowledged[survey_id] = at + 1
        except StoreVersionError as error:
            ends.append(error)
        finally:
            old.close()

    writers = [threading.Thread(target=write, args=(survey_id,)) for survey_id in SURVEYS]
    for thread in writers:
        thread.start()
    while min(acknowledged.values()) < 5:
        assert all(thread.is_alive() for thread in writers)
    upgrade_store(any_version, [Step("1", "2", count)], target="2")
    assert len(ends) == len(SURVEYS)
    assert all("version 1>2, this release uses version 1; wait until" in str(error) for error in ends)
    after = {survey_id: len(found) for survey_id, found in held(any_version).items()}
    assert after == seen
    # a write may have been done whose answer was cut off, never the other way round
    assert all(0 <= after[i] - acknowledged[i] <= 1 for i in SURVEYS)


def test_a_store_that_does_not_let_connections_be_closed_is_not_touched(url: str, any_version: Store) -> None:
    connection = redis.Redis.from_url(url)
    connection.acl_setuser("default", enabled=True, nopass=True, commands=["-client|kill"])
    connection.close()
    with pytest.raises(
        PreconditionError, match="stop all services, and repeat the command with --services-stopped"
    ):
        upgrade_store(any_version, [RENAMED], target="2")
    assert version(any_version) == "1"
    assert upgrade_store(any_version, [RENAMED], target="2", services_stopped=True) == [RENAMED]
