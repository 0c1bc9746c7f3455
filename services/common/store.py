"""The durable store: any server with the Redis protocol and an append-only file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import cast

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from services.common import keys
from spotted.errors import PreconditionError, StoreUnavailableError, StoreVersionError

CONNECT_TIMEOUT_S = 2.0
# an fsync on a busy disk may take long; longer than this the store counts as gone
ANSWER_TIMEOUT_S = 15.0
DISK_TIMEOUT_MS = 10_000
RETRIES = 2


class Store:
    """A connection pool to the store, with its failures in the words of spotted.errors.

    Every call raises StoreUnavailableError where the store does not answer.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._redis = redis.Redis.from_url(
            url,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            socket_timeout=ANSWER_TIMEOUT_S,
            # safe: every write is a script guarded by position and request id, or sets a value
            retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), RETRIES),
            retry_on_error=[redis.exceptions.ConnectionError, redis.exceptions.TimeoutError],
        )
        self._waits_for_disk = False

    def open(self) -> None:
        """Check that the store answers, keeps what it is told, and holds this version's data.

        Raises StoreVersionError for data of another version, PreconditionError for a store without an
        append-only file.
        """
        with self._translated():
            self._redis.set(keys.VERSION, keys.STORE_VERSION, nx=True)
            version = cast("bytes", self._redis.get(keys.VERSION)).decode()
        if version != keys.STORE_VERSION:
            raise StoreVersionError(
                f"the store at {self.url} holds data of store version {version}, this is version "
                f"{keys.STORE_VERSION}; run the Spotted release that wrote it, or use another store"
            )
        self._check_durable()

    def get(self, key: str) -> bytes | None:
        """The value of a key, or None."""
        with self._translated():
            return cast("bytes | None", self._redis.get(key))

    def put(self, key: str, value: bytes, *, ttl_s: int | None = None, only_new: bool = False) -> bool:
        """Set a key, on disk before this returns; answers whether it was set."""
        return bool(self._write(lambda store: store.set(key, value, ex=ttl_s, nx=only_new)))

    def delete(self, *names: str) -> None:
        """Delete keys."""
        self._write(lambda store: store.delete(*names))

    def names(self, prefix: str) -> list[str]:
        """All keys that begin with a prefix, sorted; glob signs in it are taken literally."""
        pattern = "".join(f"[{c}]" if c in "*?[" else c for c in prefix) + "*"
        with self._translated():
            return sorted({key.decode() for key in self._redis.scan_iter(match=pattern, count=1000)})

    def members(self, key: str) -> list[str]:
        """The members of a set, sorted."""
        with self._translated():
            return sorted(m.decode() for m in cast("set[bytes]", self._redis.smembers(key)))

    def add_member(self, key: str, member: str) -> None:
        """Add to a set."""
        self._write(lambda store: store.sadd(key, member))

    def remove_member(self, key: str, member: str) -> None:
        """Remove from a set."""
        self._write(lambda store: store.srem(key, member))

    def slice(self, key: str, start: int, stop: int) -> list[bytes]:
        """Entries start..stop of a list, stop included."""
        with self._translated():
            return cast("list[bytes]", self._redis.lrange(key, start, stop))

    def length(self, key: str) -> int:
        """Length of a list; 0 where there is none."""
        with self._translated():
            return self._redis.llen(key)

    def script(
        self, lua: str, *, writes: bool = True
    ) -> Callable[[Sequence[str], Sequence[bytes | str | int]], object]:
        """A server-side script as a function of keys and arguments, in one round trip.

        writes: whether it may write; what it wrote is on disk before it returns.
        """
        digest = self._redis.register_script(lua).sha
        call = self._write if writes else self._read

        def run(script_keys: Sequence[str], arguments: Sequence[bytes | str | int]) -> object:
            operands = (*script_keys, *arguments)
            try:
                return call(lambda store: store.evalsha(digest, len(script_keys), *operands))
            except redis.exceptions.NoScriptError:
                # a store that was started since knows the script after this
                return call(lambda store: store.eval(lua, len(script_keys), *operands))

        return run

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()

    def _check_durable(self) -> None:
        try:
            config = cast("dict[str, str]", self._redis.config_get("append*"))
        except redis.exceptions.ResponseError:
            # managed stores hide CONFIG; WAITAOF then tells whether there is an append-only file
            config = {"appendonly": "yes", "appendfsync": "unknown"}
        if config.get("appendonly") != "yes":
            raise PreconditionError(
                f"the store at {self.url} keeps no append-only file, so a restart would lose labels; "
                "set `appendonly yes` in its configuration"
            )
        self._waits_for_disk = config.get("appendfsync") != "always"

    def _read(self, command: Callable[[redis.Redis], object]) -> object:
        with self._translated():
            return command(self._redis)

    def _write(self, command: Callable[[redis.Redis], object]) -> object:
        """Run a command; what it wrote is on disk before this returns."""
        # with fsync on every write the answer comes after the disk
        if not self._waits_for_disk:
            return self._read(command)
        with self._translated(), self._redis.pipeline(transaction=False) as pipeline:
            command(pipeline)
            # on the same connection: WAITAOF knows of no other's writes
            pipeline.waitaof(1, 0, DISK_TIMEOUT_MS)
            answer, (synced, _) = cast("tuple[object, list[int]]", pipeline.execute())
        if synced < 1:
            raise StoreUnavailableError(
                f"the store at {self.url} did not write to disk within {DISK_TIMEOUT_MS // 1000} s; nothing "
                "was acknowledged, repeat the call"
            )
        return answer

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Say in our words that the store is gone."""
        try:
            yield
        except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError) as error:
            raise StoreUnavailableError(
                f"the store at {self.url} does not answer ({error}); start it, or correct "
                "SPOTTED_STORE_URL, and repeat the call"
            ) from error
        except redis.exceptions.ReadOnlyError as error:
            raise StoreUnavailableError(
                f"the store at {self.url} is a replica and takes no writes; point SPOTTED_STORE_URL at "
                "the primary"
            ) from error
