"""A store that is slow, gone, frozen, cut off or full: nothing acknowledged is lost, all goes on after."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from services.common.store.store import Store
from spotted.errors import StoreUnavailableError
from tests.faults.deployment import ALWAYS, Deployment, Service, StoreProcess
from tests.faults.load import Load, no_traces
from tests.faults.proxy import CALM, Proxy, Weather
from tests.waiting import until

pytestmark = pytest.mark.slow

MANY = 60


@dataclass
class Site:
    """A scorer and a sampler whose way to the store is the proxy."""

    store: StoreProcess
    proxy: Proxy
    scorer: Service
    sampler: Service


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Deployment(tmp_path_factory.mktemp("site")) as deployment:
        store = deployment.store()
        with Proxy(store.address) as proxy:
            url = f"redis://{proxy.address}/0?socket_timeout=0.6"
            scorer = deployment.service("scorer", url)
            yield Site(store, proxy, scorer, deployment.service("sampler", url, scorer.address))


@pytest.fixture
def load(site: Site) -> Iterator[Load]:
    """Writers that have begun; their answers are compared with the stored data at the end."""
    made = Load(site.scorer.address, site.sampler.address)
    made.begin()
    with made.running():
        made.until_written(MANY)
        yield made
        site.proxy.weather = CALM
        made.until_written(MANY)
    made.check()
    assert no_traces(site.scorer, site.sampler)
    made.close()


def test_a_slow_store_makes_calls_slow_and_none_fail(site: Site, load: Load) -> None:
    site.proxy.weather = Weather(delay_s=0.1)
    load.until_written(12)
    assert not load.errors
    assert load.slowest_s >= 0.2


def test_a_store_slower_than_the_timeout_is_reported_and_no_write_is_doubled(site: Site, load: Load) -> None:
    site.proxy.weather = Weather(delay_s=0.7)
    load.until_errors("does not answer.*repeat the call")


def test_a_store_that_is_gone_is_reported_with_the_remedy(site: Site, load: Load) -> None:
    site.proxy.refuse()
    load.until_errors("does not answer.*start it .*or correct SPOTTED_STORE_URL, and repeat the call")
    site.proxy.accept()


def test_a_store_behind_a_lossy_way_fails_no_call(site: Site, load: Load) -> None:
    site.proxy.weather = Weather(lost_share=0.2, resent_s=0.3)
    load.until_written(15)
    assert not load.errors


def test_connections_to_the_store_that_are_reset_are_recreated_within_a_call(site: Site, load: Load) -> None:
    for _ in range(5):
        site.proxy.reset()
        load.until_written(10)
    assert not load.errors


def test_connections_to_the_store_that_are_cut_within_a_message_double_nothing(
    site: Site, load: Load
) -> None:
    site.proxy.weather = Weather(cut_after=30_000)
    load.until_written(20)


@pytest.mark.parametrize("frozen", [False, True], ids=["half-open", "frozen"])
def test_a_store_that_holds_its_connections_and_says_nothing_is_given_up(
    site: Site, load: Load, *, frozen: bool
) -> None:
    if frozen:
        site.store.freeze()
    else:
        site.proxy.weather = Weather(silent=True)
    load.until_errors("does not answer.*Timeout")
    site.store.thaw()


def test_a_store_killed_and_started_again_holds_all_that_was_acknowledged(site: Site, load: Load) -> None:
    for _ in range(2):
        site.store.kill()
        load.until_errors("does not answer")
        site.store.start()
        load.until_written(20)


def test_a_store_that_reads_its_file_after_a_start_is_waited_for(site: Site, load: Load) -> None:
    with site.store.client as client:
        client.mset({f"other-{i}": os.urandom(200) for i in range(600)})
        client.bgrewriteaof()
        until(lambda: not client.info("persistence")["aof_rewrite_in_progress"], "a rewritten file")
    site.store.kill()
    site.store.options = {
        **ALWAYS,
        "key-load-delay": "10000",
        "loading-process-events-interval-bytes": "1024",
    }
    site.store.start()
    # calls of the client are repeated for seconds, which may be all that the store needs
    with pytest.raises(StoreUnavailableError, match=r"is reading its append-only file.*wait"):
        Store(f"redis://{site.store.address}/0").open()
    load.until_written(1)
    site.store.options = ALWAYS


def test_a_store_out_of_memory_takes_no_writes_and_says_so(site: Site, load: Load) -> None:
    with configured(site.store, "maxmemory", "1mb", "0"):
        load.until_errors("is full; give it more memory")


def test_a_store_without_the_replicas_that_it_wants_says_so(site: Site, load: Load) -> None:
    with configured(site.store, "min-replicas-to-write", "1", "0"):
        load.until_errors("too few replicas in sync.*start them")


@contextmanager
def configured(store: StoreProcess, option: str, during: str, after: str) -> Iterator[None]:
    """Another value of a store's option for a while."""
    with store.client as client:
        client.config_set(option, during)
        yield
        client.config_set(option, after)
