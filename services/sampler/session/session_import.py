"""Import of a session's journal: checked event by event, then stored in one step or not at all."""

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
from services.common.store.seal import entry_place, sealed
from services.common.store.store import Store
from services.common.survey.existence import Existence, UploadLostError
from services.sampler.session.imported_events import ImportedEvents
from spotted.errors import AlreadyExistsError, InvalidInputError, StoreUnavailableError
from spotted.event_parts import Joining
from spotted.v1 import sampler_pb2 as pb

MOST_EVENTS = 1000
# an upload that a killed sampler left behind expires after this time; each message renews it
UPLOAD_TTL_S = 3600

# Appends entries at a given position of the upload, so that a repeat adds nothing; returns the new length.
_ADD = f"""
if redis.call('LLEN', KEYS[1]) == tonumber(ARGV[1]) then
  redis.call('RPUSH', KEYS[1], unpack(ARGV, 2))
  redis.call('EXPIRE', KEYS[1], {UPLOAD_TTL_S})
end
return redis.call('LLEN', KEYS[1])
"""


class SessionUpload:
    """A journal being imported: stored under a key of its own until it is complete and committed."""

    def __init__(
        self, store: Store, key: SessionKey, generation: str, detection_ids: Collection[str]
    ) -> None:
        """Begin. generation, detection_ids: those of the survey."""
        self._store = store
        self._key = key
        self._generation = generation
        self._import_id = uuid.uuid4().hex
        self._upload = keys.session_upload(*key, self._import_id)
        self._events = ImportedEvents(key, detection_ids)
        self._digest = hashlib.sha256()
        self._stored = 0
        self._add = store.script(_ADD)
        self._existence = Existence(store)
        # a thread may still store a message after its stream was cancelled
        self._lock = threading.Lock()
        self._discarded = False

    def append(self, events: Sequence[pb.SessionEvent]) -> None:
        """Check and store the next events. Raises InvalidInputError that names the first invalid one."""
        with self._lock:
            place = keys.session_journal(*self._key)
            entries = [
                sealed(entry_place(place, position), self._entry(event))
                for position, event in enumerate(events, self._stored)
            ]
            if entries and not self._discarded:
                self._stored += len(entries)
                if self._add([self._upload], [self._stored - len(entries), *entries]) != self._stored:
                    raise _lost(self._upload)

    def commit(self) -> None:
        """Make the upload the session's journal; nothing changes if the session has an equal one.

        Raises InvalidInputError if no event was sent, AlreadyExistsError if the session has another journal,
        NotFoundError if the survey was deleted since the import began.
        """
        if not self._stored:
            raise InvalidInputError("no event was sent; send the whole journal", field="events")
        self._events.end()
        survey_id, session_id = self._key
        journal = Journal(self._store, *self._key)
        try:
            opened = self._existence.open_session(self._key, self._generation, self._upload, self._stored)
        except UploadLostError as error:
            raise _lost(self._upload) from error
        if not opened and _digest(journal.read(0)) != self._digest.digest():
            raise AlreadyExistsError(
                f"session {session_id!r} of survey {survey_id!r} already exists with another journal; use "
                "another session id, or delete that session first"
            )

    def discard(self) -> None:
        """Remove a journal that was not committed from the store."""
        with self._lock:
            self._discarded = True
            self._store.delete(self._upload)

    def _entry(self, event: pb.SessionEvent) -> bytes:
        """An event as it is stored; the first one marks this journal as a copy with an import id."""
        converted = self._events.take(event)
        self._digest.update(_fingerprint(converted))
        if converted.HasField("created"):
            converted.import_id = self._import_id
        return converted.SerializeToString()


async def import_session(
    begin: Callable[[str, str], SessionUpload], requests: AsyncIterator[pb.ImportSessionRequest]
) -> SessionKey:
    """Import the session of a stream; returns the ids of its survey and the session.

    begin: begins the upload for a survey id and a session id. Raises what `SessionUpload` raises, and
    InvalidInputError if the stream ends before its message with `complete` set or continues after it.
    """
    key: SessionKey = ("", "")
    joining = Joining()
    upload: SessionUpload | None = None
    complete = False
    try:
        async for request in requests:
            if complete:
                raise InvalidInputError(
                    "a message follows the one with complete set; set complete only in the last message",
                    field="complete",
                )
            checks.between(len(request.events), 0, MOST_EVENTS, "events")
            if upload is None:
                key = (
                    checks.survey_id(request.survey_id, "survey_id"),
                    checks.slug(request.session_id, "session_id"),
                )
                upload = await asyncio.to_thread(begin, *key)
            whole = await asyncio.to_thread(list, joining.whole(request.events))
            await asyncio.to_thread(upload.append, whole)
            complete = request.complete
        # a broken connection can look like the end of the stream
        if upload is None or not complete:
            raise InvalidInputError(
                "the stream ended without a message that has complete set; nothing was stored, import the "
                "session again",
                field="complete",
            )
        joining.end()
        await asyncio.to_thread(upload.commit)
    finally:
        if upload is not None:
            # a call whose connection broke may be cancelled only now, before the thread begins
            await asyncio.shield(asyncio.to_thread(upload.discard))
    return key


def _digest(entries: Iterable[bytes]) -> bytes:
    """A digest of a journal's content; equal for journals that differ only in their import id."""
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
        f"the store lost {upload!r} during the import; nothing was stored, import the session again"
    )
