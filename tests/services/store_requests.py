"""How many requests the store receives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import redis

from services.common.store.store import Store


def requests(store: Store) -> int:
    """Number of requests so far; each call of this function adds the same number of its own."""
    with redis.Redis.from_url(store.url) as watcher:
        return int(watcher.info("stats")["total_reads_processed"])


@contextmanager
def round_trips(store: Store, expected: int) -> Iterator[None]:
    """Check that the block sends `expected` requests to the store."""
    first, before = requests(store), requests(store)
    yield
    assert requests(store) - before == before - first + expected
