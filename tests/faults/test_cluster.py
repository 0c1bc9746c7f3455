"""Eight writers on a cluster of three primaries with a replica each, while it is changed and broken.

`SPOTTED_CLUSTER_ROUNDS=10` repeats it (`make cluster-faults`); with `-s` each fault is reported.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pytest

from services.common.store import keys
from tests.faults import cluster as clusters
from tests.faults.cluster import Cluster
from tests.faults.deployment import Deployment, Service, StoreProcess
from tests.faults.load import Load, no_traces
from tests.slots import slot
from tests.waiting import until

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("SPOTTED_CLUSTER_ROUNDS", "1"))
# writes of each survey before and after a fault
WRITES = 25


@dataclass
class Site:
    """A cluster, and the services over it."""

    cluster: Cluster
    scorer: Service
    sampler: Service


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Deployment(tmp_path_factory.mktemp("cluster")) as deployment:
        cluster = clusters.started(deployment.store, replicas=1)
        url = f"{cluster.url}&replicas=1"
        scorer = deployment.service("scorer", url)
        yield Site(cluster, scorer, deployment.service("sampler", url, scorer.address))


def owner_of(cluster: Cluster, load: Load) -> StoreProcess:
    """The primary that holds a survey."""
    return cluster.owner(slot(keys.survey_journal(load.survey_id)))


def other_than(cluster: Cluster, node: StoreProcess) -> StoreProcess:
    """Another primary."""
    return next(each for each in cluster.primaries() if each is not node)


def reshard(cluster: Cluster, load: Load, *, whole: bool) -> None:
    """Move a survey to another primary, key by key or at one instant."""
    before = owner_of(cluster, load)
    to, at = other_than(cluster, before), slot(keys.survey_journal(load.survey_id))
    if whole:
        cluster.hand_over(at, to)
    else:
        # calls meet a slot that is moved in part
        assert cluster.move_slot(at, to, between=lambda: time.sleep(0.01)) > WRITES
    assert owner_of(cluster, load) is to


def lose_primary(cluster: Cluster, load: Load, *, frozen: bool) -> None:
    """Kill or cut off the primary of a survey until its replica has taken over, and let it return."""
    before = owner_of(cluster, load)
    if frozen:
        before.freeze()
    else:
        before.kill()
    until(lambda: owner_of_living(cluster, load, before) is not before, "a replica that takes over")
    load.until_errors("does not answer|replicas of the store.*start them|no primary", more=1)
    if frozen:
        before.thaw()
    else:
        before.start()
    until(lambda: cluster.in_step(1), "a cluster in step again")


def owner_of_living(cluster: Cluster, load: Load, gone: StoreProcess) -> StoreProcess:
    """The primary that holds a survey, as the nodes know that are left."""
    left = Cluster([node for node in cluster.nodes if node is not gone])
    ports = {
        first: port
        for port, first, last in left.slots()
        if first <= slot(keys.survey_journal(load.survey_id)) <= last
    }
    return next(node for node in cluster.nodes if node.port in ports.values())


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_no_acknowledged_write_is_lost_while_the_cluster_is_changed_and_broken(
    site: Site, _round: int
) -> None:
    loads = [Load(site.scorer.address, site.sampler.address) for _ in range(2)]
    for load in loads:
        load.begin()
    first, second = loads
    begun_s = time.monotonic()
    with first.running(), second.running():
        for name, fault in (
            ("moved key by key", partial(reshard, site.cluster, first, whole=False)),
            ("moved at one instant", partial(reshard, site.cluster, second, whole=True)),
            ("primary killed", partial(lose_primary, site.cluster, first, frozen=False)),
            ("primary cut off", partial(lose_primary, site.cluster, second, frozen=True)),
        ):
            for load in loads:
                load.until_written(WRITES)
            errors = sum(len(load.errors) for load in loads)
            fault()
            met = sum(len(load.errors) for load in loads) - errors
            print(f"{time.monotonic() - begun_s:.0f} s: {name}, {met} calls repeated", flush=True)  # noqa: T201 - the report of `make cluster-faults`
        for load in loads:
            load.until_written(WRITES)
    for load in loads:
        load.check()
        print(f"{load.written()} writes, none lost, none twice", flush=True)  # noqa: T201 - as above
        load.close()
    assert no_traces(site.scorer, site.sampler)
