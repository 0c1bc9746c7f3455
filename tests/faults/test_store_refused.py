"""Stores that would lose or refuse writes are reported at the start or at once, with a remedy."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from services.common.store import keys
from services.common.store.store import Store
from spotted.errors import PreconditionError, StoreUnavailableError, StoreVersionError
from spotted.local import processes
from tests.faults.deployment import Deployment, Service, StoreProcess
from tests.waiting import until

pytestmark = pytest.mark.slow

TMPFS_MIB = 8


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    with Deployment(tmp_path) as made:
        yield made


@pytest.fixture
def fresh(deployment: Deployment) -> StoreProcess:
    return deployment.store()


def opened(process: StoreProcess) -> Store:
    store = Store(process.url)
    store.open()
    return store


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_a_store_that_drops_keys_when_it_is_full_is_refused_by_a_service(
    deployment: Deployment, tmp_path: Path, policy: str
) -> None:
    store = deployment.store({"maxmemory-policy": policy})
    service = Service("scorer", tmp_path / "scorer", store.url)
    service.begin()
    assert service.member is not None
    until(lambda: service.member and service.member.process() is None, "the service ends")
    assert "PRECONDITION" in service.log
    assert "set `maxmemory-policy noeviction`" in service.log


def test_a_store_that_comes_back_without_its_append_only_file_takes_no_writes(fresh: StoreProcess) -> None:
    store = opened(fresh)
    fresh.kill()
    fresh.options = {"appendonly": "no"}
    fresh.start()
    with pytest.raises(PreconditionError, match="set `appendonly yes`"):
        store.put("key", b"")
    fresh.kill()
    fresh.options = {"appendonly": "yes", "appendfsync": "always"}
    fresh.start()
    assert store.put("key", b"")


def test_a_store_that_comes_back_empty_is_not_taken_for_the_one_before(fresh: StoreProcess) -> None:
    store = opened(fresh)
    store.put("key", b"")
    fresh.kill()
    fresh.directory /= "another"
    fresh.start()
    with pytest.raises(
        PreconditionError, match=r"is empty, but it had content.*restore its append-only file"
    ):
        store.get("key")


def test_a_store_that_comes_back_with_slower_fsync_is_waited_for(fresh: StoreProcess) -> None:
    store = opened(fresh)
    fresh.kill()
    fresh.options = {"appendonly": "yes", "appendfsync": "everysec"}
    fresh.start()
    store.put("key", b"")
    with fresh.client as client:
        assert client.get(keys.SYNCED) is not None


def test_a_store_upgraded_meanwhile_is_refused_at_the_next_connection(fresh: StoreProcess) -> None:
    store = opened(fresh)
    with fresh.client as client:
        client.set(keys.VERSION, "999")
    fresh.kill()
    fresh.start()
    with pytest.raises(StoreVersionError, match="content of version 999"):
        store.put("key", b"")


def test_a_replica_that_nobody_names_a_primary_for_takes_no_writes(deployment: Deployment) -> None:
    primary = deployment.store()
    opened(primary).close()
    replica = deployment.store({"replicaof": f"127.0.0.1 {primary.port}"})
    with replica.client as client:
        until(lambda: client.get(keys.VERSION), "a replica that follows")
    with pytest.raises(
        StoreUnavailableError, match=r"is a read-only replica.*point SPOTTED_STORE_URL at the primary"
    ):
        Store(replica.url).open()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://{}/0", "wants a password; add it to SPOTTED_STORE_URL"),
        ("redis://:wrong-secret@{}/0", "refuses the user or the password"),
        ("redis://ann:wrong-secret@{}/0", "refuses the user or the password"),
    ],
)
def test_a_store_with_another_password_is_reported_without_showing_any(
    deployment: Deployment, url: str, words: str
) -> None:
    process = deployment.store({"requirepass": "right-secret"})
    with pytest.raises(StoreUnavailableError, match=words) as refused:
        Store(url.format(process.address)).open()
    assert "secret" not in str(refused.value)
    Store(f"redis://:right-secret@{process.address}/0").open()


def test_a_user_with_too_few_rights_is_reported(fresh: StoreProcess) -> None:
    opened(fresh).close()
    with fresh.client as client:
        client.acl_setuser(
            "ann", enabled=True, passwords=["+secret"], keys=["*"], commands=["+@read", "+hello"]
        )
    with pytest.raises(StoreUnavailableError, match="allow the user all commands"):
        Store(f"redis://ann:secret@{fresh.address}/0").open()


def test_a_store_with_all_its_connections_taken_is_reported(fresh: StoreProcess) -> None:
    with fresh.client as client:
        client.config_set("maxclients", "1")
        client.ping()
        with pytest.raises(StoreUnavailableError, match="takes no more connections; raise its `maxclients`"):
            Store(fresh.url).open()


def test_a_server_that_is_not_a_store_is_reported(deployment: Deployment, fresh: StoreProcess) -> None:
    scorer = deployment.service("scorer", fresh.url)
    with pytest.raises(StoreUnavailableError, match="correct SPOTTED_STORE_URL"):
        Store(f"redis://{scorer.address}/0?socket_timeout=0.5").open()


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """A file system that is soon full; skips if none may be mounted."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_MIB}m", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("a full disk needs a small file system, which only root may mount")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.mark.parametrize("fsync", ["always", "everysec"])
def test_a_full_disk_loses_nothing_that_was_acknowledged(tmp_path: Path, fsync: str) -> None:
    with small_disk(tmp_path / "disk") as disk:
        process = StoreProcess(disk, {"appendonly": "yes", "appendfsync": fsync}).start()
        filler = disk / "other"
        filler.write_bytes(os.urandom(6 * 2**20))
        store = opened(process)
        # with fsync on every write the store ends itself, else it lives and says MISCONF
        words = (
            "does not answer" if fsync == "always" else "cannot write to its disk; make room|did not write"
        )
        kept = written_until_refused(store, words)
        filler.unlink()
        process.kill()
        process.start()
        assert [key for key in kept if store.get(key) is None] == []
        assert store.put("after", b"")
        process.kill()


def written_until_refused(store: Store, words: str) -> list[str]:
    """Write until it fails; the keys that were acknowledged."""
    kept: list[str] = []

    def write_on() -> None:
        for number in range(100):
            store.put(f"key-{number}", os.urandom(2**16))
            kept.append(f"key-{number}")

    with pytest.raises(StoreUnavailableError, match=words):
        write_on()
    assert 0 < len(kept) < 100
    return kept


def test_a_store_too_old_to_wait_for_its_disk_is_reported(deployment: Deployment) -> None:
    process = deployment.store({"appendfsync": "everysec", "rename-command WAITAOF": ""})
    store = opened(process)
    with pytest.raises(PreconditionError, match=r"is too old.*waitaof.*Redis 7\.2 or later"):
        store.put("key", b"")


def test_a_missing_certificate_authority_is_reported_as_a_store_that_does_not_answer(tmp_path: Path) -> None:
    missing = tmp_path / "no-ca.pem"
    url = f"rediss://{processes.LOOPBACK}:{processes.free_port()}/0?ssl_ca_certs={missing}"
    with pytest.raises(StoreUnavailableError, match="does not answer"):
        Store(url).open()


def test_no_password_is_in_any_text_of_a_store(fresh: StoreProcess) -> None:
    store = Store(f"redis://ann:secret@{fresh.address}/0")
    assert "secret" not in store.shown
    assert "secret" not in repr(store._address)
    with pytest.raises(StoreUnavailableError) as refused:
        store.open()
    error: BaseException | None = refused.value
    while error is not None:
        assert "secret" not in str(error)
        assert isinstance(error, (StoreUnavailableError, redis.RedisError, OSError))
        error = error.__cause__
