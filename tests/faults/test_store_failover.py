"""A primary that dies or freezes behind Sentinels: the replica takes over, with all that was acknowledged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.common.store.store import Store
from spotted.errors import StoreUnavailableError
from tests.faults.deployment import Deployment, Service, StoreProcess
from tests.faults.load import Load, no_traces
from tests.waiting import until

pytestmark = pytest.mark.slow

NAME = "spotted"


@dataclass
class Pair:
    """A primary and its replica, and three Sentinels that watch them."""

    stores: tuple[StoreProcess, StoreProcess]
    sentinels: list[StoreProcess]

    @property
    def url(self) -> str:
        """The URL of whichever is the primary."""
        addresses = ",".join(sentinel.address for sentinel in self.sentinels)
        return f"redis+sentinel://{addresses}/{NAME}/0?socket_timeout=0.6"

    def primary(self) -> StoreProcess:
        """The store that most Sentinels name."""
        with self.sentinels[0].client as client:
            _, port = client.sentinel_get_master_addr_by_name(NAME)
        return next(store for store in self.stores if store.port == int(port))

    def replica(self) -> StoreProcess:
        """The other one."""
        primary = self.primary()
        return next(store for store in self.stores if store is not primary)

    def settled(self) -> bool:
        """Whether the Sentinels know each other and a replica that follows."""
        with self.primary().client as client:
            if client.info("replication").get("slave0", {}).get("state") != "online":
                return False
        for sentinel in self.sentinels:
            with sentinel.client as client:
                seen = client.sentinel_master(NAME)
                (other,) = client.sentinel_slaves(NAME) or [{"is_disconnected": True}]
            if seen["num-other-sentinels"] != 2 or other["is_disconnected"] or other["is_sdown"]:
                return False
        return True

    def until_failed_over(self, before: StoreProcess) -> None:
        """Wait until the other store is the primary."""
        until(lambda: self.primary() is not before, "a failover")


def pair_in(deployment: Deployment) -> Pair:
    primary = deployment.store()
    replica = deployment.store({"replicaof": f"127.0.0.1 {primary.port}"})
    watch = {
        f"sentinel monitor {NAME}": f"127.0.0.1 {primary.port} 2",
        f"sentinel down-after-milliseconds {NAME}": "1000",
        f"sentinel failover-timeout {NAME}": "3000",
    }
    made = Pair((primary, replica), [deployment.store(watch, sentinel=True) for _ in range(3)])
    until(made.settled, "Sentinels that know of each other")
    return made


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with Deployment(tmp_path) as deployment:
        yield pair_in(deployment)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Service, Service]]:
    with Deployment(tmp_path_factory.mktemp("failover")) as deployment:
        pair = pair_in(deployment)
        url = f"{pair.url}&replicas=1"
        scorer = deployment.service("scorer", url)
        yield pair, scorer, deployment.service("sampler", url, scorer.address)


@pytest.mark.parametrize("frozen", [False, True], ids=["killed", "frozen"])
def test_a_failover_loses_nothing_if_acknowledged_means_on_the_replica_too(
    site: tuple[Pair, Service, Service], *, frozen: bool
) -> None:
    pair, scorer, sampler = site
    load = Load(scorer.address, sampler.address)
    load.begin()
    with load.running():
        load.until_written(40)
        before = pair.primary()
        if frozen:
            before.freeze()
        else:
            before.kill()
        pair.until_failed_over(before)
        # the new primary has no replica yet
        load.until_errors("does not answer|replicas of the store.*start them", more=1)
        if frozen:
            before.thaw()
        else:
            # Sentinels would tell it so themselves, some ten seconds later
            follows = {"replicaof": f"127.0.0.1 {pair.primary().port}"}
            before.options = {**before.options, **follows}
            before.start()
        load.until_written(40)
    load.check()
    assert no_traces(scorer, sampler)
    load.close()
    until(pair.settled, "the other store follows")


def test_without_its_replica_a_write_is_not_acknowledged(pair: Pair) -> None:
    store = Store(f"{pair.url}&replicas=1")
    store.open()
    until(lambda: not _fails(store), "a replica that follows")
    pair.replica().freeze()
    with pytest.raises(StoreUnavailableError, match=r"0 replicas .* requires 1 .*; start them"):
        store.put("key", b"on one")


def test_a_failover_may_lose_a_write_that_no_replica_was_asked_to_have(pair: Pair) -> None:
    store = Store(pair.url)
    store.open()
    store.put("key", b"on both")
    before, replica = pair.primary(), pair.replica()
    with replica.client as client:
        until(lambda: client.get("key") == b"on both", "a replica that follows")
    replica.kill()
    store.put("key", b"on one")
    before.kill()
    replica.start()
    pair.until_failed_over(before)
    until(lambda: not _fails(store), "a store that answers again")
    assert store.get("key") == b"on both"


def _fails(store: Store) -> bool:
    try:
        store.put("other", b"")
    except StoreUnavailableError:
        return True
    return False
