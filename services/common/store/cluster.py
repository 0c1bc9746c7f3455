"""The nodes of a Redis or Valkey Cluster: each call goes to the node that holds the slot of its key.

A call is repeated after a redirect, and for a while if the slot is being moved or has no primary. That is
safe: every write is a script guarded by position and request id, or sets a value.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import cast

import redis
from redis import exceptions
from redis.cluster import ClusterNode, RedisCluster
from redis.connection import AbstractConnection
from redis.crc import key_slot
from redis.maint_notifications import MaintNotificationsConfig

from services.common.store import keys
from services.common.store.nodes import AnswerT, Call
from spotted.errors import PreconditionError, SpottedError

# attempts at a node that refuses or breaks its connection; the cluster needs seconds to replace it
RETRIES = 2
# redirects that are followed at once
REDIRECTS = 5
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 0.25
# of a script on a key that has been moved already, while others of the slot have not
MOVED_IN_PART = "non local key"


@dataclass(frozen=True, slots=True)
class ClusterAddress:
    """The nodes that a URL names, and how to connect to any node."""

    nodes: tuple[tuple[str, int], ...]
    settings: Mapping[str, object]
    timeout_s: float
    """Time in which the store must answer."""
    shown: str
    """The URL without user, password and settings."""


class ClusterNodes:
    """A cluster, whose layout is read at the first call and after every change that is met."""

    def __init__(self, address: ClusterAddress, check: Callable[[AbstractConnection], None]) -> None:
        """Begin without connections. check: called with each connection when opened."""
        self._address = address
        self._check = check
        self._lock = threading.Lock()
        self._opened: RedisCluster | None = None
        self._failed = ""

    def run(self, key: str, call: Call[AnswerT]) -> AnswerT:
        """The result of a call on the node that holds a key."""
        ends_s = time.monotonic() + self._address.timeout_s
        asked: ClusterNode | None = None
        for attempt in count():
            node, is_asked = asked, asked is not None
            asked = None
            try:
                node = node or self._node(self.slot(key))
                return call(self._cluster().get_redis_connection(node), is_asked)
            except exceptions.RedisError as error:
                if time.monotonic() > ends_s or not self._is_passing(error, node, attempt):
                    raise
                if isinstance(error, exceptions.AskError) and attempt < REDIRECTS:
                    if not isinstance(error, exceptions.MovedError):
                        asked = self._named(error)
                else:
                    time.sleep(min(SHORTEST_PAUSE_S * 2 ** min(attempt, REDIRECTS), LONGEST_PAUSE_S))
        raise AssertionError

    def version(self, elsewhere: exceptions.AskError) -> bytes | None:
        """The version of the content, which the node named by a redirect holds."""
        settings = self._address.settings
        made = redis.Redis(host=elsewhere.host, port=elsewhere.port, **settings)  # type: ignore[arg-type] # as parsed
        with made, made.pipeline(transaction=False) as pipeline:
            pipeline.execute_command("ASKING")
            pipeline.get(keys.VERSION)
            return cast("bytes | None", pipeline.execute()[1])

    def slot(self, key: str) -> int:
        """The slot of a key."""
        return key_slot(key.encode())

    def synced(self, key: str, *, asking: bool) -> str:
        """A key of the same slot; one of its own if the slot is on its way and another node has the usual."""
        return f"{keys.synced(key)}:{uuid.uuid4().hex}" if asking else keys.synced(key)

    def primaries(self) -> Sequence[redis.Redis]:
        """A client of each primary."""
        self._refresh("")
        cluster = self._cluster()
        return [cluster.get_redis_connection(node) for node in cluster.get_primaries()]

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()

    def _is_passing(self, error: exceptions.RedisError, node: ClusterNode | None, attempt: int) -> bool:
        """Whether a call that failed is worth repeating; notes what the error says of the layout."""
        name = node.name if node else ""
        match error:
            case exceptions.MovedError():
                self._cluster().nodes_manager.move_slot(error)
            case exceptions.AskError() | exceptions.TryAgainError():
                pass
            case exceptions.ClusterDownError():
                self._refresh(name)
            case exceptions.AuthenticationError():
                return False
            case exceptions.ConnectionError():
                self._refresh(name)
                return attempt < RETRIES
            case exceptions.TimeoutError():
                # the caller has waited long enough; the next call asks another node who holds the slot
                self._failed = name
                if node is not None:
                    pool = self._cluster().get_redis_connection(node).connection_pool
                    pool.disconnect(inuse_connections=False)
                return False
            case _:
                return MOVED_IN_PART in str(error)
        return True

    def _node(self, slot: int) -> ClusterNode:
        """The primary of a slot, as last known."""
        failed, self._failed = self._failed, ""
        if failed:
            self._refresh(failed)
        try:
            return self._cluster().nodes_manager.get_node_from_slot(slot)
        except exceptions.SlotNotCoveredError:
            raise exceptions.ClusterDownError(f"CLUSTERDOWN slot {slot} has no primary") from None

    def _named(self, error: exceptions.AskError) -> ClusterNode:
        """The node that a redirect names."""
        found = self._cluster().get_node(error.host, error.port)
        if found is None:
            self._refresh("")
            found = self._cluster().get_node(error.host, error.port)
        return found or ClusterNode(error.host, error.port, "primary")

    def _refresh(self, failed: str) -> None:
        """Read the layout again. failed: name of a node that is asked last."""
        with _translated(self._address.shown):
            self._cluster().nodes_manager.initialize(last_failed_node_name=failed or None)

    def _cluster(self) -> RedisCluster:
        with self._lock, _translated(self._address.shown):
            if self._opened is None:
                nodes = [ClusterNode(host, port) for host, port in self._address.nodes]
                self._opened = RedisCluster(
                    startup_nodes=nodes,
                    redis_connect_func=self._check,
                    maint_notifications_config=MaintNotificationsConfig(enabled=False),
                    require_full_coverage=False,
                    **self._address.settings,  # type: ignore[arg-type] # by name, as `parse_url` reads them
                )
            return self._opened


@contextmanager
def _translated(shown: str) -> Iterator[None]:
    """Raise what redis-py says of a cluster as an error of a connection, or the error that caused it."""
    try:
        yield
    except exceptions.RedisClusterException as error:
        cause = error.__cause__ or error
        if isinstance(cause, (SpottedError, exceptions.RedisError)):
            raise cause from None
        if "not enabled" in str(cause):
            raise PreconditionError(
                f"the store at {shown} is no cluster; use redis:// instead of redis+cluster:// for one server"
            ) from None
        raise exceptions.ConnectionError(str(cause)) from error
