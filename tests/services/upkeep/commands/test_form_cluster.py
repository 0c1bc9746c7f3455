from __future__ import annotations

from pathlib import Path

import pytest

from services.upkeep.commands import form_cluster
from spotted.local import processes
from tests.faults.cluster import OPTIONS, PASSWORD, Cluster
from tests.faults.deployment import Deployment
from tests.services.upkeep.console import invoke


def test_the_nodes_of_a_url_become_one_cluster(tmp_path: Path) -> None:
    options = {**OPTIONS, "cluster-port": str(processes.free_port()), "requirepass": PASSWORD}
    with Deployment(tmp_path) as deployment:
        cluster = Cluster([deployment.store(options)])
        done = invoke(form_cluster.form, ["form-cluster", "--replicas-each", "0", "--store", cluster.url])
        assert (done.exit_code, done.stdout) == (0, "one cluster of 1 nodes, every slot has a primary\n")
        assert [(first, last) for _, first, last in cluster.slots()] == [(0, 16383)]


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", ""])
def test_a_store_that_is_no_cluster_is_named(url: str) -> None:
    done = invoke(form_cluster.form, ["form-cluster", "--store", url])
    assert done.exit_code != 0
    assert "redis+cluster://" in done.stderr
