"""Forms a cluster of empty nodes, and brings nodes together again whose addresses changed.

Every step is made only where it is missing, so a call may be repeated at any time, and changes nothing in a
cluster that is whole. No slot and no key is moved.
"""

from __future__ import annotations

import itertools
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

import redis
from redis.crc import REDIS_CLUSTER_HASH_SLOTS as SLOTS

from spotted.errors import PreconditionError, UnavailableError

POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class ClusterNode:
    """A node as it is reached."""

    host: str
    port: int
    client: redis.Redis
    bus_port: int = 0
    """Port on which nodes speak with one another; 0: ten thousand more than the other."""


@dataclass(slots=True)
class View:
    """A cluster as one of its nodes sees it."""

    own_id: str
    primaries: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """First and last slot of each range, by primary."""
    replicas: Counter[str] = field(default_factory=Counter)
    """Number of replicas by primary."""
    is_replica: bool = False
    """Whether this node is one."""

    @property
    def covered(self) -> int:
        """Number of slots that have a primary."""
        return sum(last - first + 1 for ranges in self.primaries.values() for first, last in ranges)


def form_cluster(
    nodes: Sequence[ClusterNode],
    *,
    replicas: int,
    patience_s: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Make nodes one cluster, with this many replicas of each primary.

    The first nodes become primaries if no slot has one yet. Raises PreconditionError for a number of nodes
    that cannot be divided so, UnavailableError if they do not become a cluster in time.
    """
    primaries, rest = divmod(len(nodes), 1 + replicas)
    if rest or not primaries:
        raise PreconditionError(
            f"{len(nodes)} nodes cannot be primaries with {replicas} replicas each; name all nodes, e.g. six "
            "for three primaries with one replica"
        )
    ends_s, fault = clock() + patience_s, ""
    while True:
        try:
            fault = _next_step(nodes, primaries)
        except (redis.RedisError, OSError) as error:
            fault = str(error)
        if not fault:
            return
        if clock() > ends_s:
            raise UnavailableError(
                f"the nodes are no whole cluster after {patience_s:.0f} s ({fault}); start them, "
                "and repeat the command"
            )
        sleep(POLL_S)


def _next_step(nodes: Sequence[ClusterNode], primaries: int) -> str:
    """Make the steps that are possible now; returns what is still missing, "" if nothing is."""
    views = [_view(node.client) for node in nodes]
    if len({view.own_id for view in views}) < len(nodes):
        raise PreconditionError("a node is named twice; name each node once")
    # a range that a node which is away had is known to the others
    if not max(view.covered for view in views):
        for node, (first, last) in zip(nodes, _ranges(primaries), strict=False):
            node.client.execute_command("CLUSTER ADDSLOTSRANGE", first, last)
        return "slots were assigned"
    _finish_assigning(nodes, views, primaries)
    known = [set(_known(node.client)) for node in nodes]
    everyone = {view.own_id for view in views}
    for node, known_here in zip(nodes, known, strict=True):
        for other, view in zip(nodes, views, strict=True):
            if view.own_id not in known_here:
                _meet(node, other)
    if any(not everyone <= known_here for known_here in known):
        return "nodes do not know each other yet"
    if step := _give_primary(nodes, views):
        return step
    lacking = [
        f"{node.host}:{node.port}" for node, view in zip(nodes, views, strict=True) if view.covered < SLOTS
    ]
    return f"{lacking[0]} does not see every slot" if lacking else ""


def _give_primary(nodes: Sequence[ClusterNode], views: Sequence[View]) -> str:
    """Make the first node without slots a replica, if there is one; returns what was done or is missing."""
    for node, view in zip(nodes, views, strict=True):
        if view.is_replica or view.primaries.get(view.own_id):
            continue
        with_slots = [i for i, ranges in view.primaries.items() if ranges]
        if not with_slots:
            return f"{node.host}:{node.port} does not know yet which node has which slots"
        fewest = min(with_slots, key=lambda i: (view.replicas[i], i))
        node.client.execute_command("CLUSTER REPLICATE", fewest)
        return "a replica was given its primary"
    return ""


def _finish_assigning(nodes: Sequence[ClusterNode], views: Sequence[View], primaries: int) -> None:
    """Assign the ranges that an assignment which was interrupted left out, while no node knows another."""
    if any(len(_known(node.client)) > 1 for node in nodes):
        return
    for node, view, (first, last) in zip(nodes, views, _ranges(primaries), strict=False):
        if not view.covered:
            node.client.execute_command("CLUSTER ADDSLOTSRANGE", first, last)


def _ranges(primaries: int) -> list[tuple[int, int]]:
    bounds = [number * SLOTS // primaries for number in range(primaries + 1)]
    return [(first, end - 1) for first, end in itertools.pairwise(bounds)]


def _meet(node: ClusterNode, other: ClusterNode) -> None:
    # nodes are introduced by address, which their names have now
    with suppress(redis.ResponseError):
        address = socket.gethostbyname(other.host)
        bus = [other.bus_port] if other.bus_port else []
        node.client.execute_command("CLUSTER MEET", address, other.port, *bus)


def _known(client: redis.Redis) -> dict[str, Mapping[str, Any]]:
    """The nodes that a node knows, by their ids, without those that it is just meeting."""
    answer = cast("Mapping[str, Mapping[str, Any]]", client.execute_command("CLUSTER NODES"))
    return {node["node_id"]: node for node in answer.values() if not {"handshake", "noaddr"} & _flags(node)}


def _view(client: redis.Redis) -> View:
    known = _known(client)
    own_id = next(node_id for node_id, node in known.items() if "myself" in _flags(node))
    view = View(own_id)
    for node_id, node in known.items():
        if "slave" in _flags(node):
            view.replicas[node["master_id"]] += 1
            view.is_replica = view.is_replica or node_id == own_id
        elif "master" in _flags(node):
            view.primaries[node_id] = [(int(each[0]), int(each[-1])) for each in node["slots"]]
    return view


def _flags(node: Mapping[str, Any]) -> set[str]:
    return {*node["flags"].split(",")}
