"""A cluster is formed of empty nodes, step by step, and formed again after everything moved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from services.upkeep.cluster import ClusterNode, form_cluster
from spotted.errors import PreconditionError, UnavailableError
from spotted.local import processes
from tests.faults.cluster import OPTIONS, Cluster, as_nodes
from tests.faults.deployment import Deployment, StoreProcess
from tests.waiting import PATIENCE_S


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[list[StoreProcess]]:
    with Deployment(tmp_path) as deployment:
        ports = [str(processes.free_port()) for _ in range(4)]
        yield [deployment.store({**OPTIONS, "cluster-port": port}) for port in ports]


def test_nodes_become_a_cluster_again_and_again(nodes: list[StoreProcess]) -> None:
    form_cluster(as_nodes(nodes), replicas=1, patience_s=PATIENCE_S)
    cluster = Cluster(nodes)
    slots = cluster.slots()
    assert [(first, last) for _, first, last in sorted(slots, key=lambda each: each[1])] == [
        (0, 8191),
        (8192, 16383),
    ]
    assert {node.port for node in cluster.primaries()} == {node.port for node in nodes[:2]}
    # nothing changes in one that is whole
    form_cluster(as_nodes(nodes), replicas=1, patience_s=PATIENCE_S)
    assert cluster.slots() == slots
    # pods that all moved: each knows the others by ports that nobody listens on
    for node in nodes:
        node.kill()
    for node in nodes:
        node.port = processes.free_port()
        node.options = {**node.options, "cluster-port": str(processes.free_port())}
        node.start()
    form_cluster(as_nodes(nodes), replicas=1, patience_s=PATIENCE_S)
    assert [each[1:] for each in sorted(cluster.slots(), key=lambda each: each[1])] == [
        (0, 8191),
        (8192, 16383),
    ]


def test_what_cannot_become_a_cluster_is_named(nodes: list[StoreProcess]) -> None:
    with pytest.raises(PreconditionError, match="4 nodes cannot be primaries with 2 replicas each"):
        form_cluster(as_nodes(nodes), replicas=2, patience_s=1.0)
    with pytest.raises(PreconditionError, match="named twice"):
        form_cluster(as_nodes(nodes[:1] * 2), replicas=0, patience_s=1.0)
    nobody = ClusterNode("127.0.0.1", 1, redis.Redis(port=1))
    with pytest.raises(UnavailableError, match=r"are no whole cluster after 0 s \(.*\); start them"):
        form_cluster([*as_nodes(nodes[:1]), nobody], replicas=0, patience_s=0.0)
