"""The durable store: any server, or cluster, with the Redis protocol and append-only files."""

from __future__ import annotations

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import cast

import redis
from redis.connection import AbstractConnection

from services.common.store import address, keys
from services.common.store.failures import REPEAT, failure, no_append_only_file, other_version
from services.common.store.moved import Blocks
from services.common.store.nodes import answers, send
from services.common.telemetry import metrics, tracing
from spotted.errors import PreconditionError, StoreUnavailableError, StoreVersionError

# share of the answer timeout in which a write must reach the disk
WAIT_SHARE = 0.8


class Store:
    """Connections to the store; its failures are raised as errors of spotted.errors.

    Every call raises StoreUnavailableError if the store does not answer or takes no writes, and
    PreconditionError if a new connection leads to a store that would lose data.
    """

    def __init__(
        self, url: str, *, version: str | None = keys.STORE_VERSION, blocks: Blocks | None = None
    ) -> None:
        """Connect at the first call. version: required version of the content; None: any, to upgrade it.

        blocks: those with vectors outside the store. Raises InvalidInputError for an invalid URL.
        """
        self.url = url
        self.blocks = blocks
        self._address = address.parse(url)
        self._nodes = self._address.nodes(self._connected, self._checked)
        self._waits_for_disk = True
        self._wait_ms = round(WAIT_SHARE * 1000 * self._address.timeout_s)
        self._version = version
        self._opened = False

    @property
    def shown(self) -> str:
        """The URL without user, password and settings, for messages."""
        return self._address.shown

    def open(self) -> None:
        """Check that the store answers, is durable, and has content of this version.

        Raises StoreVersionError for content of another version, PreconditionError for a store without an
        append-only file or one that drops keys when its memory is full.
        """
        with self._translated():
            version = self._version
            if version is not None:
                self._read(keys.VERSION, lambda store: store.set(keys.VERSION, version, nx=True))
            self._check_version(self.get(keys.VERSION) or b"")
        self._opened = True

    def get(self, key: str) -> bytes | None:
        """The value of a key, or None."""
        return cast("bytes | None", self._read(key, lambda store: store.get(key)))

    def put(self, key: str, value: bytes, *, ttl_s: int | None = None, only_new: bool = False) -> bool:
        """Set a key, on disk before this returns; returns whether it was set."""
        return bool(self._write(key, lambda store: store.set(key, value, ex=ttl_s, nx=only_new)))

    def delete(self, *names: str) -> None:
        """Delete keys."""
        in_slots = defaultdict[int, list[str]](list)
        for name in names:
            in_slots[self._nodes.slot(name)].append(name)
        for together in in_slots.values():
            self._delete(together)

    def names(self, *prefixes: str) -> list[str]:
        """All keys with one of the prefixes, sorted, found by visiting every key once."""
        common = os.path.commonprefix(prefixes)  # noqa: RUF071 - of texts, not of paths
        # glob characters of a prefix are literal
        pattern = "".join(f"[{c}]" if c in "*?[" else c for c in common) + "*"
        with self._translated():
            visits = (node.scan_iter(match=pattern, count=1000) for node in self._nodes.primaries())
            return sorted({n for visit in visits for n in map(_text, visit) if n.startswith(prefixes)})

    def members(self, key: str) -> list[str]:
        """The members of a set, sorted."""
        return sorted(map(_text, cast("set[bytes]", self._read(key, lambda store: store.smembers(key)))))

    def fields(self, key: str) -> list[str]:
        """The fields of a hash, sorted."""
        return sorted(_text(f) for f in cast("list[bytes]", self._read(key, lambda store: store.hkeys(key))))

    def add_member(self, key: str, member: str) -> None:
        """Add to a set."""
        self._write(key, lambda store: store.sadd(key, member))

    def remove_member(self, key: str, member: str) -> None:
        """Remove from a set."""
        self._write(key, lambda store: store.srem(key, member))

    def slice(self, key: str, start: int, stop: int) -> list[bytes]:
        """Entries `start` to `stop` of a list, `stop` included."""
        return cast("list[bytes]", self._read(key, lambda store: store.lrange(key, start, stop)))

    def length(self, key: str) -> int:
        """Length of a list; 0 if it does not exist."""
        return cast("int", self._read(key, lambda store: store.llen(key)))

    def script(
        self, lua: str, *, writes: bool = True
    ) -> Callable[[Sequence[str | bytes], Sequence[bytes | str | int]], object]:
        """A server-side script as a function of keys, all of one slot, and arguments; one round trip.

        writes: whether it may write; its writes are on disk before the call returns.
        """
        digest = hashlib.sha1(lua.encode(), usedforsecurity=False).hexdigest()
        call = self._write if writes else self._read

        def run(script_keys: Sequence[str | bytes], arguments: Sequence[bytes | str | int]) -> object:
            operands, first = (*script_keys, *arguments), _text(script_keys[0])
            try:
                return call(first, lambda store: store.evalsha(digest, len(script_keys), *operands))
            except redis.exceptions.NoScriptError:
                # a restarted store, or another node, does not know the script; `eval` loads it
                return call(first, lambda store: store.eval(lua, len(script_keys), *operands))

        return run

    def cut_off_others(self) -> None:
        """Close all other connections to the store; new connections check its version.

        Raises PreconditionError if the store does not allow it.
        """
        with self._translated("write"):
            try:
                for node in self._nodes.primaries():
                    node.client_kill_filter(_type="normal", skipme=True)
            except redis.exceptions.ResponseError as error:
                raise PreconditionError(
                    f"the store at {self.shown} does not allow closing its connections ({error}); stop all "
                    "services, and repeat the command with --services-stopped"
                ) from error

    def now(self) -> float:
        """The store's clock, UTC seconds since 1970: the same for all replicas, whose clocks may differ."""
        answer = self._read(keys.VERSION, lambda store: store.time())
        seconds, microseconds = cast("tuple[int, int]", answer)
        return seconds + microseconds / 1e6

    def close(self) -> None:
        """Close all connections."""
        self._nodes.close()

    def _connected(self, connection: AbstractConnection) -> None:
        """Check each connection: after a restart the store may have another configuration or content."""
        connection.on_connect()
        self._checked(connection)

    def _checked(self, connection: AbstractConnection) -> None:
        try:
            self._check(connection)
        except (PreconditionError, StoreVersionError):
            connection.disconnect()
            raise

    def _check(self, connection: AbstractConnection) -> None:
        info = cast("bytes", send(connection, "INFO", "persistence", "memory"))
        if b"\nloading:1" in info:
            # the append-only file is reported as off until it is read
            raise redis.exceptions.BusyLoadingError(status_code="LOADING")
        if b"aof_enabled:1" not in info:
            raise no_append_only_file(self.shown)
        policy = re.search(rb"maxmemory_policy:(\S+)", info)
        if policy and policy[1] != b"noeviction":
            raise PreconditionError(
                f"the store at {self.shown} drops keys when its memory is full; set `maxmemory-policy "
                "noeviction` in its configuration"
            )
        try:
            version = cast("bytes | None", send(connection, "GET", keys.VERSION))
        except redis.exceptions.AskError as elsewhere:
            version = self._nodes.version(elsewhere)
        if version is not None:
            # an upgrade closes all connections, so that no release uses the content of another
            self._check_version(version)
        elif self._opened:
            raise PreconditionError(
                f"the store at {self.shown} is empty, but it had content when this service started; restore "
                "its append-only file, or restart the services to begin with an empty store"
            )
        try:
            fsync = cast("dict[bytes, bytes] | list[bytes]", send(connection, "CONFIG", "GET", "appendfsync"))
        except redis.exceptions.ResponseError:
            # managed stores disable CONFIG
            fsync = []
        always = b"always" in (fsync.values() if isinstance(fsync, dict) else fsync)
        # the nodes of a cluster may differ
        self._waits_for_disk = bool(self._address.replicas or self._address.cluster) or not always

    def _check_version(self, found: bytes) -> None:
        version = found.decode()
        if self._version is None or self._version == version:
            return
        raise other_version(self.shown, version, self._version)

    def _delete(self, names: Sequence[str]) -> None:
        self._write(names[0], lambda store: store.delete(*names))

    def _read(self, key: str, command: Callable[[redis.Redis], object]) -> object:
        def call(node: redis.Redis, asking: bool) -> object:  # noqa: FBT001 - as `Call` has it
            if not asking:
                return command(node)
            with node.pipeline(transaction=False) as pipeline:
                pipeline.execute_command("ASKING")
                command(pipeline)
                return answers(pipeline)[1]

        with self._translated():
            return self._nodes.run(key, call)

    def _write(self, key: str, command: Callable[[redis.Redis], object]) -> object:
        """Run a command; its writes, and those that it read, are on disk before this returns."""

        def call(node: redis.Redis, asking: bool) -> tuple[object, list[object]]:  # noqa: FBT001 - as `Call` has it
            with node.pipeline(transaction=False) as pipeline:
                if asking:
                    pipeline.execute_command("ASKING")
                command(pipeline)
                if self._waits_for_disk:
                    self._wait(pipeline, key, asking=asking)
                answer, *waited = answers(pipeline)[int(asking) :]
                # a connection opened only now may lead to a store with other settings
                if self._waits_for_disk and not waited:
                    self._wait(pipeline, key, asking=asking)
                    waited = answers(pipeline)
                return answer, waited[int(asking and bool(waited)) :]

        with self._translated("write"):
            answer, waited = self._nodes.run(key, call)
        if waited:
            _, synced, *replicas = cast("tuple[bool, list[int], *tuple[int, ...]]", waited)
            self._check_waited(synced, *(replicas or [0]))
        return answer

    def _wait(self, pipeline: redis.client.Pipeline, key: str, *, asking: bool) -> None:
        # both commands wait for this connection's last write and all earlier writes, so it needs one of its
        # own, on the node that has the key
        if asking:
            pipeline.execute_command("ASKING")
        synced = self._nodes.synced(key, asking=asking)
        pipeline.set(synced, b"", ex=None if synced == keys.SYNCED else keys.SYNCED_TTL_S)
        pipeline.waitaof(1, 0, self._wait_ms)
        if self._address.replicas:
            # WAITAOF would work too, but replicas report their disk once per second; a replica with
            # `appendfsync always` answers everything, WAIT included, only after its disk
            pipeline.wait(self._address.replicas, self._wait_ms)

    def _check_waited(self, synced: Sequence[int], replicas: int) -> None:
        if synced[0] < 1:
            raise StoreUnavailableError(
                f"the store at {self.shown} did not write to disk within {self._wait_ms} ms; check its disk; "
                f"{REPEAT}"
            )
        if replicas < self._address.replicas:
            raise StoreUnavailableError(
                f"{replicas} replicas of the store at {self.shown} had the write within {self._wait_ms} ms, "
                f"but SPOTTED_STORE_URL requires {self._address.replicas} (`replicas`); start them; {REPEAT}"
            )

    @contextmanager
    def _translated(self, kind: str = "read") -> Iterator[None]:
        """Count, time and trace a read or a write."""
        with tracing.span(f"store {kind}"), metrics.store_command(kind), self._translated_errors():
            yield

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        """Raise failures of the store as errors of Spotted."""
        try:
            yield
        except redis.exceptions.RedisError as error:
            translated = failure(error, self.shown)
            if translated is None:
                raise
            raise translated from error


def _text(name: str | bytes) -> str:
    """A key or member as text; one that is none, which others wrote, stays distinguishable."""
    return name if isinstance(name, str) else name.decode(errors="backslashreplace")
