from __future__ import annotations

from pathlib import Path

import pytest
import redis

from services.common.store import keys
from services.common.store.store import Store
from spotted.errors import PreconditionError, StoreUnavailableError, StoreVersionError
from spotted.local import processes


def own_store(directory: Path) -> processes.Member:
    member = processes.start_store(directory, processes.free_port())
    processes.wait(member, directory / "store.log")
    return member


def url(member: processes.Member) -> str:
    return f"redis://{member.address}/0"


def kill(member: processes.Member) -> None:
    process = member.process()
    assert process is not None
    process.kill()
    process.wait()


def test_a_store_that_is_not_there_is_named_with_the_remedy() -> None:
    port = processes.free_port()
    with pytest.raises(
        StoreUnavailableError, match=rf"redis://127.0.0.1:{port}/0 does not answer.*SPOTTED_STORE_URL"
    ):
        Store(f"redis://127.0.0.1:{port}/0").open()


def test_a_store_of_another_version_is_refused(tmp_path: Path) -> None:
    member = own_store(tmp_path)
    redis.Redis.from_url(url(member)).set(keys.VERSION, "999")
    with pytest.raises(StoreVersionError, match="content of version 999, this release uses version 4"):
        Store(url(member)).open()
    kill(member)


@pytest.mark.parametrize(
    ("version", "remedy"),
    [
        ("0", "upgrade older content with `spotted upgrade`"),
        ("3>4", "wait until `spotted upgrade` has finished"),
    ],
)
def test_a_service_whose_store_changes_its_version_works_on_it_no_more(
    tmp_path: Path, version: str, remedy: str
) -> None:
    member = own_store(tmp_path)
    service = Store(url(member))
    service.open()
    service.put("spotted:test", b"before")
    upgrade = Store(url(member), version=None)
    upgrade.put(keys.VERSION, version.encode())
    upgrade.cut_off_others()
    for work in (lambda: service.get("spotted:test"), lambda: service.put("spotted:test", b"after")):
        with pytest.raises(
            StoreVersionError, match=f"version {version}, this release uses version 4; .*{remedy}"
        ):
            work()
    assert upgrade.get("spotted:test") == b"before"
    upgrade.put(keys.VERSION, b"4")
    assert service.get("spotted:test") == b"before"
    kill(member)


def test_a_store_that_forgets_is_refused(tmp_path: Path) -> None:
    member = own_store(tmp_path)
    redis.Redis.from_url(url(member)).config_set("appendonly", "no")
    with pytest.raises(PreconditionError, match="appendonly yes"):
        Store(url(member)).open()
    kill(member)


def test_a_store_that_syncs_each_second_is_waited_for(tmp_path: Path) -> None:
    member = own_store(tmp_path)
    connection = redis.Redis.from_url(url(member))
    connection.config_set("appendfsync", "everysec")
    store = Store(url(member))
    store.open()
    store.put("key", b"value")
    # after WAITAOF the first of the two offsets that the server reports has reached the disk
    assert connection.waitaof(1, 0, 1)[0] == 1
    kill(member)


@pytest.mark.parametrize("fsync", ["always", "everysec"])
def test_a_script_answers_though_the_store_forgot_it(tmp_path: Path, fsync: str) -> None:
    member = own_store(tmp_path)
    connection = redis.Redis.from_url(url(member))
    connection.config_set("appendfsync", fsync)
    store = Store(url(member))
    store.open()
    append = store.script("return redis.call('RPUSH', KEYS[1], ARGV[1])")
    assert [append(["key"], [b"a"]), append(["key"], [b"b"])] == [1, 2]
    connection.script_flush()
    assert append(["key"], [b"c"]) == 3
    assert connection.waitaof(1, 0, 1)[0] == 1
    kill(member)


def test_what_was_answered_survives_a_killed_store(tmp_path: Path) -> None:
    member = own_store(tmp_path)
    store = Store(url(member))
    store.open()
    for i in range(50):
        store.put(f"key-{i}", b"%d" % i)
    kill(member)
    again = processes.start_store(tmp_path, member.port)
    processes.wait(again, tmp_path / "store.log")
    assert [store.get(f"key-{i}") for i in range(50)] == [b"%d" % i for i in range(50)]
    kill(again)


def test_a_store_that_dies_later_gives_the_same_clear_error(tmp_path: Path) -> None:
    member = own_store(tmp_path)
    store = Store(url(member))
    store.open()
    kill(member)
    with pytest.raises(StoreUnavailableError, match="does not answer"):
        store.put("key", b"value")


def test_a_prefix_with_glob_signs_names_only_what_begins_with_it(store: Store) -> None:
    for key in ("a[b]*c:2", "a[b]*c:1", "ab:c:1"):
        store.put(key, b"")
    assert store.names("a[b]*c:") == ["a[b]*c:1", "a[b]*c:2"]


def test_a_value_is_set_once_if_only_new_is_asked(store: Store, survey_id: str) -> None:
    assert store.put(survey_id, b"first", only_new=True)
    assert not store.put(survey_id, b"second", only_new=True)
    assert store.get(survey_id) == b"first"


def test_members_come_back_sorted(store: Store, survey_id: str) -> None:
    for member in ("leopard", "hyena"):
        store.add_member(survey_id, member)
    assert store.members(survey_id) == ["hyena", "leopard"]
    store.remove_member(survey_id, "hyena")
    assert store.members(survey_id) == ["leopard"]
