"""The durable store: any server with the Redis protocol and an append-only file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import cast

import redis
from redis.connection import AbstractConnection

from services.common.store import address, keys
from services.common.store.failures import REPEAT, failure, no_append_only_file
from services.common.telemetry import metrics, tracing
from spotted.errors import PreconditionError, StoreUnavailableError, StoreVersionError

# share of the answer timeout in which a write must reach the disk
WAIT_SHARE = 0.8


class Store:
    """A connection pool to the store; its failures are raised as errors of spotted.errors.

    Every call raises StoreUnavailableError if the store does not answer or takes no writes, and
    PreconditionError if a new connection leads to a store that would lose data.
    """

    def __init__(self, url: str, *, version: str | None = keys.STORE_VERSION) -> None:
        """Connect at the first call. version: required version of the content; None: any, to upgrade it.

        Raises InvalidInputError for an invalid URL.
        """
        self.url = url
        self._address = address.parse(url)
        self._redis = self._address.client(self._connected)
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
            if self._version is not None:
                self._redis.set(keys.VERSION, self._version, nx=True)
            self._check_version(cast("bytes", self._redis.get(keys.VERSION)))
        self._opened = True

    def get(self, key: str) -> bytes | None:
        """The value of a key, or None."""
        with self._translated():
            return cast("bytes | None", self._redis.get(key))

    def put(self, key: str, value: bytes, *, ttl_s: int | None = None, only_new: bool = False) -> bool:
        """Set a key, on disk before this returns; returns whether it was set."""
        return bool(self._write(lambda store: store.set(key, value, ex=ttl_s, nx=only_new)))

    def delete(self, *names: str) -> None:
        """Delete keys."""
        self._write(lambda store: store.delete(*names))

    def names(self, prefix: str) -> list[str]:
        """All keys with a prefix, sorted; glob characters in it are literal."""
        pattern = "".join(f"[{c}]" if c in "*?[" else c for c in prefix) + "*"
        with self._translated():
            return sorted({_text(key) for key in self._redis.scan_iter(match=pattern, count=1000)})

    def members(self, key: str) -> list[str]:
        """The members of a set, sorted."""
        with self._translated():
            return sorted(_text(m) for m in cast("set[bytes]", self._redis.smembers(key)))

    def add_member(self, key: str, member: str) -> None:
        """Add to a set."""
        self._write(lambda store: store.sadd(key, member))

    def remove_member(self, key: str, member: str) -> None:
        """Remove from a set."""
        self._write(lambda store: store.srem(key, member))

    def slice(self, key: str, start: int, stop: int) -> list[bytes]:
        """Entries `start` to `stop` of a list, `stop` included."""
        with self._translated():
            return cast("list[bytes]", self._redis.lrange(key, start, stop))

    def length(self, key: str) -> int:
        """Length of a list; 0 if it does not exist."""
        with self._translated():
            return self._redis.llen(key)

    def script(
        self, lua: str, *, writes: bool = True
    ) -> Callable[[Sequence[str], Sequence[bytes | str | int]], object]:
        """A server-side script as a function of keys and arguments; a call is one round trip.

        writes: whether it may write; its writes are on disk before the call returns.
        """
        digest = self._redis.register_script(lua).sha
        call = self._write if writes else self._read

        def run(script_keys: Sequence[str], arguments: Sequence[bytes | str | int]) -> object:
            operands = (*script_keys, *arguments)
            try:
                return call(lambda store: store.evalsha(digest, len(script_keys), *operands))
            except redis.exceptions.NoScriptError:
                # a restarted store has forgotten the script; `eval` loads it again
                return call(lambda store: store.eval(lua, len(script_keys), *operands))

        return run

    def cut_off_others(self) -> None:
        """Close all other connections to the store; new connections check its version.

        Raises PreconditionError if the store does not allow it.
        """
        with self._translated("write"):
            try:
                self._redis.client_kill_filter(_type="normal", skipme=True)
            except redis.exceptions.ResponseError as error:
                raise PreconditionError(
                    f"the store at {self.shown} does not allow closing its connections ({error}); stop all "
                    "services, and repeat the command with --services-stopped"
                ) from error

    def now(self) -> float:
        """The store's clock, UTC seconds since 1970: the same for all replicas, whose clocks may differ."""
        with self._translated():
            seconds, microseconds = self._redis.time()
        return seconds + microseconds / 1e6

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()

    def _connected(self, connection: AbstractConnection) -> None:
        """Check each connection: after a restart the store may have another configuration or content."""
        connection.on_connect()
        try:
            self._check(connection)
        except (PreconditionError, StoreVersionError):
            connection.disconnect()
            raise

    def _check(self, connection: AbstractConnection) -> None:
        info = cast("bytes", _send(connection, "INFO", "persistence", "memory"))
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
        version = cast("bytes | None", _send(connection, "GET", keys.VERSION))
        if version is not None:
            # an upgrade closes all connections, so that no release uses the content of another
            self._check_version(version)
        elif self._opened:
            raise PreconditionError(
                f"the store at {self.shown} is empty, but it had content when this service started; restore "
                "its append-only file, or restart the services to begin with an empty store"
            )
        try:
            fsync = cast(
                "dict[bytes, bytes] | list[bytes]", _send(connection, "CONFIG", "GET", "appendfsync")
            )
        except redis.exceptions.ResponseError:
            # managed stores disable CONFIG
            fsync = []
        always = b"always" in (fsync.values() if isinstance(fsync, dict) else fsync)
        self._waits_for_disk = bool(self._address.replicas) or not always

    def _check_version(self, found: bytes) -> None:
        version = found.decode()
        if self._version in {None, version}:
            return
        if keys.UNDER_WAY in version:
            remedy = "wait until `spotted upgrade` has finished, or run it again if it was interrupted"
        else:
            remedy = "run the Spotted release that wrote it, or upgrade older content with `spotted upgrade`"
        raise StoreVersionError(
            f"the store at {self.shown} has content of version {version}, this release uses version "
            f"{self._version}; {remedy}"
        )

    def _read(self, command: Callable[[redis.Redis], object]) -> object:
        with self._translated():
            return command(self._redis)

    def _write(self, command: Callable[[redis.Redis], object]) -> object:
        """Run a command; its writes, and those that it read, are on disk before this returns."""
        with self._translated("write"), self._redis.pipeline(transaction=False) as pipeline:
            command(pipeline)
            if self._waits_for_disk:
                self._wait(pipeline)
            answer, *waited = _answers(pipeline)
            # a connection opened only now may lead to a store with other settings
            if self._waits_for_disk and not waited:
                self._wait(pipeline)
                waited = _answers(pipeline)
        if waited:
            _, synced, *replicas = cast("tuple[bool, list[int], *tuple[int, ...]]", waited)
            self._check_waited(synced, *(replicas or [0]))
        return answer

    def _wait(self, pipeline: redis.client.Pipeline) -> None:
        # both commands wait for this connection's last write and all earlier writes, so it needs one of its
        # own
        pipeline.set(keys.SYNCED, b"")
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
        except redis.exceptions.TimeoutError as error:
            # the other open connections most likely lead to the same dead server
            self._redis.connection_pool.disconnect(inuse_connections=False)
            raise failure(error, self.shown) or error from error
        except redis.exceptions.RedisError as error:
            translated = failure(error, self.shown)
            if translated is None:
                raise
            raise translated from error


def _text(name: bytes) -> str:
    """A key or member as text; one that is none, which others wrote, stays distinguishable."""
    return name.decode(errors="backslashreplace")


def _answers(pipeline: redis.client.Pipeline) -> list[object]:
    """The answers to a pipeline's commands. Raises the first error without the commands' arguments."""
    answers = pipeline.execute(raise_on_error=False)
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return cast("list[object]", answers)


def _send(connection: AbstractConnection, *command: str) -> object:
    """The answer to a command on a connection that is not in the pool yet."""
    connection.send_command(*command)
    return connection.read_response()
