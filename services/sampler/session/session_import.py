"""A session's journal from elsewhere: checked as it comes, and in the store all at once or not at all."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence

from services.common.rpc import checks
from services.common.store import keys
from services.common.store.journal import Journal
from services.common.store.keys import SessionKey
from services.common.store.store import Store
from services.sampler.session.imported_events import MovedEvents
from spotted.errors import AlreadyExistsError, InvalidInputError, StoreUnavailableError
from spotted.v1 import sampler_pb2 as pb

MOST_EVENTS = 1000
# what a sampler that died left half-way is forgotten after so long; each message renews it
UPLOAD_TTL_S = 3600

# Entries at a known place of the upload, so that a repeat adds nothing; its length after them.
_ADD = f"""
if redis.call('LLEN', KEYS[1]) == tonumber(ARGV[1]) then
  redis.call('RPUSH', KEYS[1], unpack(ARGV, 2))
  redis.call('EXPIRE', KEYS[1], {UPLOAD_TTL_S})
end
return redis.call('LLEN', KEYS[1])
"""
# The upload as the journal of a session that has none; 0 where there is one, which may be this upload.
_OPEN = """
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
if redis.call('LLEN', KEYS[1]) ~= tonumber(ARGV[1]) then return -1 end
redis.call('RENAME', KEYS[1], KEYS[2])
redis.call('PERSIST', KEYS[2])
redis.call('SADD', KEYS[3], ARGV[2])
return 1
"""


class Arrival:
    """A journal on its way into the store: beside the session's key until it is whole and opened."""

    def __init__(self, store: Store, key: SessionKey, detection_ids: Collection[str]) -> None:
        """Begin. detection_ids: those of the survey."""
        self._store = store
        self._key = key
        self._import_id = uuid.uuid4().hex
        self._upload = keys.session_upload(*key, self._import_id)
        self._events = MovedEvents(key, detection_ids)
        self._digest = hashlib.sha256()
        self._stored = 0
        self._add = store.script(_ADD)
        self._open = store.script(_OPEN)
        # a message may still be stored in a thread while the stream that brought it is given up
        self._lock = threading.Lock()
        self._ended = False

    def take(self, events: Sequence[pb.SessionEvent]) -> None:
        """Check and store the next events. Raises InvalidInputError that names the first wrong one."""
        with self._lock:
            entries = [self._entry(event) for event in events]
            if entries and not self._ended:
                self._stored += len(entries)
                if self._add([self._upload], [self._stored - len(entries), *entries]) != self._stored:
                    raise _lost(self._upload)

    def open(self) -> None:
        """Make what came the session's journal; nothing changes where it has an equal one already.

        Raises InvalidInputError where nothing came, AlreadyExistsError where it has another.
        """
        if not self._stored:
            raise InvalidInputError("the stream brought no event; a journal begins with one", field="events")
        survey_id, session_id = self._key
        journal = Journal(self._store, keys.session_journal(*self._key), survey_id)
        opened = self._open([self._upload, journal.key, keys.sessions(survey_id)], [self._stored, session_id])
        if opened == -1:
            raise _lost(self._upload)
        if not opened and _digest(journal.read(0)) != self._digest.digest():
            raise AlreadyExistsError(
                f"session {session_id!r} of {survey_id!r} exists with another journal; choose another "
                "session_id, or delete it first"
            )

    def end(self) -> None:
        """Leave nothing of a journal that was not opened."""
        with self._lock:
            self._ended = True
            self._store.delete(self._upload)

    def _entry(self, event: pb.SessionEvent) -> bytes:
        """An event as it is stored: its first tells this journal from the one that it was copied from."""
        moved = self._events.take(event)
        self._digest.update(_fingerprint(moved))
        if moved.HasField("created"):
            moved.import_id = self._import_id
        return moved.SerializeToString()


async def import_session(
    arrive: Callable[[str, str], Arrival], requests: AsyncIterator[pb.ImportSessionRequest]
) -> SessionKey:
    """Open the session that a stream brings; the ids of its survey and itself.

    arrive: where the journal of a survey and session id goes. Raises as `Arrival` does, and InvalidInputError
    where the stream ends before its message with `complete`, or goes on after it.
    """
    key: SessionKey = ("", "")
    arrival: Arrival | None = None
    complete = False
    try:
        async for request in requests:
            if complete:
                raise InvalidInputError(
                    "a message follows the complete one; set complete in the last message alone",
                    field="complete",
                )
            checks.between(len(request.events), 0, MOST_EVENTS, "events")
            if arrival is None:
                key = (
                    checks.survey_id(request.survey_id, "survey_id"),
                    checks.slug(request.session_id, "session_id"),
                )
                arrival = await asyncio.to_thread(arrive, *key)
            await asyncio.to_thread(arrival.take, request.events)
            complete = request.complete
        # a caller that was cut off may look like one that came to its end
        if arrival is None or not complete:
            raise InvalidInputError(
                "the stream ended before its last message, the one with complete set; nothing was stored, "
                "send it again",
                field="complete",
            )
        await asyncio.to_thread(arrival.open)
    finally:
        if arrival is not None:
            # a caller that was cut off may be cancelled only now, before the thread begins
            await asyncio.shield(asyncio.to_thread(arrival.end))
    return key


def _digest(entries: Iterable[bytes]) -> bytes:
    """What two journals share that say the same."""
    digest = hashlib.sha256()
    for entry in entries:
        digest.update(_fingerprint(pb.SessionEvent.FromString(entry)))
    return digest.digest()


def _fingerprint(event: pb.SessionEvent) -> bytes:
    plain = pb.SessionEvent()
    plain.CopyFrom(event)
    plain.ClearField("import_id")
    return hashlib.sha256(plain.SerializeToString(deterministic=True)).digest()


def _lost(upload: str) -> StoreUnavailableError:
    return StoreUnavailableError(
        f"the store lost {upload!r} while it was written; nothing was stored, import the session again"
    )
