"""The upgrade of a store from version 1 to 2: checksums of stored values, and lengths of journals."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from services.common.store import keys
from services.common.store.journal import generation
from services.common.store.seal import entry_place, sealed, unsealed
from services.common.store.store import Store

PAGE_ENTRIES = 64
# a kept answer follows the digest of the first entry of its journal
DIGEST_BYTES = 40
JOURNAL = re.compile(r"spotted:\{s:[^}]*\}:(session:[^:]*:)?journal")
REQUEST = re.compile(r"spotted:\{s:[^}]*\}:request:(?P<rpc>[^:]*):.*")
RECORD = re.compile(r"spotted:(\{o:[^}]*\}:)?(head|calibration|reference|operation|token):[^:]*")
# their requests are kept without an answer
NO_ANSWER = {"CreateSession", "DeleteSession"}

_REPLACE_ENTRIES = "for i = 2, #ARGV do redis.call('LSET', KEYS[1], ARGV[1] + i - 2, ARGV[i]) end"
_REPLACE_VALUE = "redis.call('SET', KEYS[1], ARGV[1], 'XX', 'KEEPTTL')"


def add_checksums(store: Store, alive: Callable[[], None]) -> None:
    """Add what version 2 has; values that have it already stay as they are. alive: renews the lease."""
    upgrade = _Upgrade(store, alive)
    names = store.names("spotted:")
    for key in filter(JOURNAL.fullmatch, names):
        upgrade.journal(key)
    for key in names:
        if found := REQUEST.fullmatch(key):
            upgrade.request(key, answered=found["rpc"] not in NO_ANSWER)
        elif RECORD.fullmatch(key):
            upgrade.value(key, partial(_with_checksum, key))


class _Upgrade:
    """The upgrade of single keys."""

    def __init__(self, store: Store, alive: Callable[[], None]) -> None:
        self._store = store
        self._alive = alive
        self._replace_entries = store.script(_REPLACE_ENTRIES)
        self._replace_value = store.script(_REPLACE_VALUE)
        # digests of the first entries without and with checksums
        self._digests: dict[bytes, bytes] = {}

    def journal(self, key: str) -> None:
        """Add checksums to the entries of a journal, and note its length."""
        at = 0
        while entries := self._store.slice(key, at, at + PAGE_ENTRIES - 1):
            self._alive()
            places = [entry_place(key, position) for position in range(at, at + len(entries))]
            new = [*map(_with_checksum, places, entries)]
            if not at:
                before = unsealed(places[0], new[0]) or b""
                self._digests[generation(before).encode()] = generation(new[0]).encode()
            self._replace_entries([key], [at, *new])
            at += len(entries)
        self._store.put(key + keys.LENGTH, str(at).encode())

    def request(self, key: str, *, answered: bool) -> None:
        """Add a checksum to a kept answer, which belongs to a journal with another first entry now."""

        def new(stored: bytes) -> bytes:
            digest, answer = stored[:DIGEST_BYTES], stored[DIGEST_BYTES:]
            digest = self._digests.get(digest, digest)
            return digest + (_with_checksum(key, answer) if answered else answer)

        # the end of a deletion has neither
        self.value(key, lambda stored: new(stored) if len(stored) >= DIGEST_BYTES else stored)

    def value(self, key: str, new: Callable[[bytes], bytes]) -> None:
        """Replace a string, which may have expired, and keep its time to live."""
        stored = self._store.get(key)
        if stored is not None:
            self._alive()
            self._replace_value([key], [new(stored)])


def _with_checksum(place: str, stored: bytes) -> bytes:
    """A value with its checksum; an interrupted upgrade may have added it already."""
    return stored if unsealed(place, stored) is not None else sealed(place, stored)
