"""A cluster of real processes on loopback: three primaries, each with replicas if asked for.

Its slots are moved by commands, as `valkey-cli --cluster` sends them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import redis

from services.upkeep.cluster import ClusterNode, form_cluster
from spotted.local import processes
from tests.faults.deployment import StoreProcess
from tests.waiting import PATIENCE_S, until

PRIMARIES = 3
PASSWORD = "correct-horse"  # noqa: S105 - a made-up one
# after which a silent node counts as failed
NODE_TIMEOUT_MS = 1000
OPTIONS = {
    "cluster-enabled": "yes",
    "cluster-config-file": "nodes.conf",
    "cluster-node-timeout": str(NODE_TIMEOUT_MS),
    "cluster-require-full-coverage": "no",
    "cluster-replica-validity-factor": "0",
    "repl-diskless-sync-delay": "0",
    "repl-ping-replica-period": "1",
}


@dataclass
class Cluster:
    """A running cluster."""

    nodes: list[StoreProcess]

    @property
    def url(self) -> str:
        """Its URL for Spotted, with all nodes and a short timeout of the sockets."""
        return self.url_of(self.nodes)

    def url_of(self, nodes: Sequence[StoreProcess]) -> str:
        """The same with some nodes only."""
        account = f":{self.nodes[0].password}@" if self.nodes[0].password else ""
        return f"redis+cluster://{account}{','.join(node.address for node in nodes)}?socket_timeout=2"

    def primaries(self) -> list[StoreProcess]:
        """The nodes with slots that answer, as one of them knows them."""
        owners = {port for port, _, _ in self.slots()}
        return [node for node in self.nodes if node.port in owners]

    def slots(self) -> list[tuple[int, int, int]]:
        """Port of the primary, first and last slot of each range."""
        for node in self.nodes:
            try:
                found = node.client.execute_command("CLUSTER SLOTS")
            except redis.RedisError:
                continue
            return [(int(port), int(first), int(last)) for first, last, (_, port, *_), *_ in _raw(found)]
        raise AssertionError("no node of the cluster answers")

    def owner(self, slot: int) -> StoreProcess:
        """The primary of a slot."""
        port = next(port for port, first, last in self.slots() if first <= slot <= last)
        return next(node for node in self.nodes if node.port == port)

    def replica_of(self, primary: StoreProcess) -> StoreProcess:
        """A replica of a primary."""
        with primary.client as client:
            port = int(client.info("replication")["slave0"]["port"])
        return next(node for node in self.nodes if node.port == port)

    def in_step(self, replicas: int) -> bool:
        """Whether every primary has its replicas online, and every node sees all slots served."""
        for node in self.nodes:
            with node.client as client:
                info = cast("dict[str, str]", client.execute_command("CLUSTER INFO"))
            if (info["cluster_state"], int(info["cluster_known_nodes"])) != ("ok", len(self.nodes)):
                return False
        for primary in self.primaries():
            with primary.client as client:
                online = client.info("replication")
                if (
                    sum(online.get(f"slave{i}", {}).get("state") == "online" for i in range(replicas))
                    < replicas
                ):
                    return False
        return len(self.primaries()) == PRIMARIES

    def move_slot(self, slot: int, to: StoreProcess, between: Callable[[], None] = lambda: None) -> int:
        """Move a slot key by key, as `valkey-cli --cluster reshard` does; returns the number of keys.

        between: called after each key.
        """
        moved = 0
        with self.moving_slot(slot, to) as move, self.owner(slot).client as old:
            while names := cast("list[bytes]", old.execute_command("CLUSTER GETKEYSINSLOT", slot, 1)):
                move(names[0])
                moved += 1
                between()
        return moved

    @contextmanager
    def moving_slot(self, slot: int, to: StoreProcess) -> Iterator[Callable[[str | bytes], None]]:
        """A function that moves a key of a slot, which has moved as a whole after the context."""
        source = self.owner(slot)
        enter = ("AUTH", source.password) if source.password else ()
        with source.client as old, to.client as new:
            new.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", _id(source))
            old.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", _id(to))
            yield lambda key: old.execute_command(
                "MIGRATE", "127.0.0.1", to.port, "", 0, 5000, *enter, "KEYS", key
            )
            for client in (new, old):
                client.execute_command("CLUSTER SETSLOT", slot, "NODE", _id(to))

    def hand_over(self, slot: int, to: StoreProcess) -> None:
        """Move a slot at one instant, as Valkey 9 does."""
        with self.owner(slot).client as client:
            client.execute_command("CLUSTER MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", _id(to))
        until(lambda: self.owner(slot) is to, f"slot {slot} at {to.address}")


def started(
    make: Callable[[Mapping[str, str]], StoreProcess], *, replicas: int, password: str = ""
) -> Cluster:
    """A cluster whose nodes are started by `make` with the given options. replicas: of each primary."""
    options = {**OPTIONS, **({"requirepass": password, "primaryauth": password} if password else {})}
    buses = [processes.free_port() for _ in range(PRIMARIES * (1 + replicas))]
    nodes = [make({**options, "cluster-port": str(bus)}) for bus in buses]
    form_cluster(as_nodes(nodes), replicas=replicas, patience_s=PATIENCE_S)
    cluster = Cluster(nodes)
    until(lambda: cluster.in_step(replicas), "a cluster in step")
    return cluster


def as_nodes(nodes: Sequence[StoreProcess]) -> list[ClusterNode]:
    """The nodes as an operator reaches them."""
    return [
        ClusterNode("127.0.0.1", node.port, node.client, int(node.options["cluster-port"])) for node in nodes
    ]


def _id(node: StoreProcess) -> str:
    with node.client as client:
        return _text(client.execute_command("CLUSTER MYID"))


def _text(answer: object) -> str:
    return answer.decode() if isinstance(answer, bytes) else str(answer)


def _raw(found: object) -> list[tuple[int, int, tuple[bytes, int]]]:
    """CLUSTER SLOTS, whichever way redis-py read it."""
    if isinstance(found, dict):
        return [(first, last, value["primary"]) for (first, last), value in found.items()]
    return cast("list[tuple[int, int, tuple[bytes, int]]]", found)
