"""Surveys and sessions as journals: append with optimistic concurrency, state as the fold of events."""

from __future__ import annotations

import logging
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, cast

from services.common import keys
from services.common.store import Store
from spotted.errors import ConcurrencyError

# entries are near 1 MiB at most, so a page stays far below what a connection buffers with ease
PAGE_ENTRIES = 16
ATTEMPTS = 20
# a lost race is followed by a random wait, longer with each, up to some
STEP_S = 0.002
LONGEST_STEPS = 10
# a long journal tells how far it was read
TOLD_EVERY_S = 2.0

logger = logging.getLogger("spotted")

# A request id that was answered before returns that answer; an append at a position that is no longer
# the end returns the present end and writes nothing.
_APPEND = """
local first = redis.call('GET', KEYS[2])
if first then return {'answered', first} end
local length = redis.call('LLEN', KEYS[1])
if length ~= tonumber(ARGV[1]) then return {'behind', length} end
if ARGV[2] ~= '' then redis.call('RPUSH', KEYS[1], ARGV[2]) end
redis.call('SET', KEYS[2], ARGV[3], 'EX', ARGV[4])
return {'appended', ARGV[3]}
"""


@dataclass(frozen=True, slots=True)
class Change:
    """An event to append, and the answer that the caller gets once it is on disk.

    entry: the serialised event; empty where nothing changes and only the answer is kept.
    """

    entry: bytes
    answer: bytes


class State(Protocol):
    """What a journal folds into."""

    def apply(self, entry: bytes) -> None:
        """Take in one event."""


StateT = TypeVar("StateT", bound=State)
ViewT = TypeVar("ViewT")


class Journal:
    """A list of events in the store."""

    def __init__(self, store: Store, key: str, survey_id: str) -> None:
        self._store = store
        self.key = key
        self._survey_id = survey_id
        self._append = store.script(_APPEND)

    def length(self) -> int:
        """Number of events."""
        return self._store.length(self.key)

    def first(self) -> bytes | None:
        """The first event, which tells one journal from a later one of the same id."""
        entries = self._store.slice(self.key, 0, 0)
        return entries[0] if entries else None

    def read(self, start: int) -> Iterator[bytes]:
        """The events from position `start` (counted from 0) on."""
        while entries := self._store.slice(self.key, start, start + PAGE_ENTRIES - 1):
            yield from entries
            start += len(entries)

    def answered(self, scope: str, request_id: str) -> bytes | None:
        """The first answer to a request id, or None."""
        return self._store.get(keys.request(self._survey_id, scope, request_id))

    def append(self, change: Change, *, expected: int, scope: str, request_id: str) -> bytes | None:
        """Append at position `expected`; the answer, or None where another writer was first.

        A request id that was answered before returns its first answer and appends nothing.
        """
        request = keys.request(self._survey_id, scope, request_id)
        arguments: list[bytes | int] = [expected, change.entry, change.answer, keys.REQUEST_TTL_S]
        status, value = cast("list[bytes]", self._append([self.key, request], arguments))
        return None if status == b"behind" else value


class Folded(Generic[StateT]):
    """A state kept in step with its journal, shared by the threads of one process.

    Any process can rebuild it; none owns it. `missing` makes the error raised while there is no event.
    """

    def __init__(
        self, journal: Journal, start: Callable[[], StateT], missing: Callable[[], Exception]
    ) -> None:
        self.journal = journal
        self._start = start
        self._missing = missing
        self._lock = threading.RLock()
        self._state = start()
        self._position = 0
        self._first: bytes | None = None

    def view(self, look: Callable[[StateT, int], ViewT]) -> ViewT:
        """What `look` makes of the state after all events in the store, and of their number.

        look: quick, must not alter the state, and must not keep what later events alter.
        """
        with self._lock:
            self._catch_up()
            return look(self._state, self._position)

    def peek(self) -> StateT:
        """The state as it was last seen, which may be behind the store; for a glance at its size."""
        return self._state

    def change(self, decide: Callable[[StateT], Change], *, scope: str, request_id: str = "") -> bytes:
        """Decide on a change of the present state and append it; the loser of a race decides anew.

        decide: must not alter the state; what it appends is applied by the fold.
        request_id: a repeat returns the first answer without deciding again; "" is never a repeat.
        Raises what `decide` raises, and ConcurrencyError after many lost races.
        """
        if request_id and (first := self.journal.answered(scope, request_id)) is not None:
            return first
        request_id = request_id or uuid.uuid4().hex
        for attempt in range(ATTEMPTS):
            # those who lost together must not come back together
            time.sleep(random.random() * min(attempt, LONGEST_STEPS) * STEP_S)  # noqa: S311 - no secret
            with self._lock:
                change, position = self.view(lambda state, position: (decide(state), position))
                answer = self.journal.append(change, expected=position, scope=scope, request_id=request_id)
            if answer is not None:
                return answer
        raise ConcurrencyError("too many writers at once on this journal; repeat the call")

    def _catch_up(self) -> None:
        first = self.journal.first()
        if first != self._first:
            self._state, self._position, self._first = self._start(), 0, first
        told_s = time.monotonic()
        for entry in self.journal.read(self._position):
            self._state.apply(entry)
            self._position += 1
            if time.monotonic() - told_s > TOLD_EVERY_S:
                told_s = time.monotonic()
                logger.info(
                    "reading %s: %d of %d events", self.journal.key, self._position, self.journal.length()
                )
        if not self._position:
            raise self._missing()
