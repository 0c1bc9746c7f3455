"""Restores a backup file: uploads it under separate keys first, then makes it the survey in one step."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from services.common.rpc import checks
from services.common.store import keys
from services.common.store.records import get_record, put_record
from services.common.store.seal import entry_place, sealed
from services.common.store.store import Store
from services.common.survey.existence import Existence, UploadLostError
from services.upkeep.backup import file
from services.upkeep.backup.catalogues import restore_catalogue
from services.upkeep.backup.contents import Contents, pages, read_contents
from services.upkeep.backup.journals import Journals
from services.upkeep.backup.local_parts import PartsUpload
from services.upkeep.backup.validation import check_events
from services.upkeep.backup.write import calibration_digest, head_digest
from spotted.errors import (
    AlreadyExistsError,
    DamagedError,
    InvalidInputError,
    NotFoundError,
    SpottedError,
    StoreUnavailableError,
)
from spotted.v1 import sampler_pb2, store_pb2

# an upload that an interrupted restore left behind expires after this time; each page renews it
UPLOAD_TTL_S = 3600

# Appends entries at a given position of an upload, so that a repeat adds nothing; returns the new length.
_ADD = """
if redis.call('LLEN', KEYS[1]) == tonumber(ARGV[1]) then
  for i = 3, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[i]) end
  redis.call('EXPIRE', KEYS[1], ARGV[2])
end
return redis.call('LLEN', KEYS[1])
"""

# events stored so far, and events in all
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Restored:
    """A restored survey."""

    survey_id: str
    events: int
    sessions: int
    unchanged: bool
    """Whether the survey already existed with the same content."""


def target_id(backed_up: str, *, survey: str = "", organisation: str = "") -> str:
    """The id under which a survey is restored: its own, or one with another survey or organisation id."""
    owner = organisation or keys.owner(backed_up)
    own = survey or backed_up.rpartition(keys.OF)[2]
    return f"{owner}{keys.OF}{own}" if owner else own


def restore_survey(
    store: Store,
    path: Path,
    *,
    survey: str = "",
    organisation: str = "",
    over_damaged: bool = False,
    on_progress: Progress = lambda *_: None,
) -> Restored:
    """Verify a file and restore it completely, or not at all.

    survey, organisation: restore under these ids instead of the file's.
    over_damaged: if the survey or one of its sessions is damaged in the store, the file replaces all of it.
    Raises InvalidInputError for a damaged file or one with an invalid id or event, StoreVersionError, and
    AlreadyExistsError if the survey exists with other content, SurveyDamagedError if it is damaged.
    """
    whole = read_contents(path)
    catalogue = keys.catalogue_owner(whole.header.survey_id)
    if catalogue is not None:
        if survey:
            raise InvalidInputError(f"{path} holds a catalogue, which has no other id; omit --as")
        owner, count = organisation or catalogue, sum(whole.events.values())
        restored = restore_catalogue(store, whole, owner, over_damaged=over_damaged, on_progress=on_progress)
        return Restored(keys.catalogue_id(owner), count, 0, unchanged=not restored)
    survey_id = target_id(whole.header.survey_id, survey=survey, organisation=organisation)
    checks.survey_id(survey_id, "the survey id in the file")
    check_events(whole)
    upload = _Upload(store, whole, survey_id)
    exists, same = upload.compare(over_damaged=over_damaged)
    if not exists:
        try:
            upload.send(on_progress)
            if upload.commit():
                return Restored(survey_id, sum(whole.events.values()), whole.sessions, unchanged=False)
        finally:
            upload.discard()
        _, same = upload.compare(over_damaged=False)
    if not same:
        raise AlreadyExistsError(
            f"survey {survey_id!r} already exists with other content than {path}; restore the file under "
            "another id with `--as`, or delete that survey first"
        )
    return Restored(survey_id, sum(whole.events.values()), whole.sessions, unchanged=True)


class _Upload:
    """A survey being restored."""

    def __init__(self, store: Store, whole: Contents, survey_id: str) -> None:
        self._store = store
        self._whole = whole
        self._survey_id = survey_id
        self._import_id = uuid.uuid4().hex
        self._parts = PartsUpload(store, survey_id, self._import_id, ttl_s=UPLOAD_TTL_S)
        self._uploads = {
            session_id: keys.restored_journal(survey_id, self._import_id, session_id)
            for session_id in whole.events
        }
        self._add = store.script(_ADD)
        self._existence = Existence(store)
        self._replaces = False

    def compare(self, *, over_damaged: bool) -> tuple[bool, bool]:
        """Whether the survey exists in the store, and whether it has the same content.

        over_damaged: a damaged one counts as absent, and `commit` replaces it. Raises SurveyDamagedError.
        """
        try:
            return True, self._equals_stored()
        except NotFoundError:
            return False, False
        except DamagedError:
            if not over_damaged:
                raise
            self._replaces = True
            return False, False

    def send(self, on_progress: Progress) -> None:
        """Store heads and calibrations, and journals and local features under keys of the upload."""
        done, total = 0, sum(self._whole.events.values())
        at = dict.fromkeys(self._whole.events, 0)
        for record in file.read(self._whole.path):
            self._store_named(record)
            if record.HasField("local_part"):
                self._parts.add(record.local_part)
            if record.HasField("page"):
                session_id = record.page.session_id
                at[session_id] = self._append(record.page, at[session_id])
                done += len(record.page.entries)
                on_progress(done, total)

    def commit(self) -> bool:
        """Make the upload the survey, instead of a damaged one; False if the survey exists by now."""
        if self._replaces:
            with suppress(NotFoundError):
                self._existence.delete_survey(self._survey_id, "")
        uploads = [(each, self._uploads[each], length) for each, length in self._whole.events.items()]
        try:
            parts = self._parts.key, self._parts.count
            return self._existence.open_survey(self._survey_id, uploads, parts)
        except UploadLostError as error:
            raise self._lost() from error

    def discard(self) -> None:
        """Remove the upload if it was not committed."""
        # in a store that is unavailable it expires
        with suppress(StoreUnavailableError):
            self._store.delete(*self._uploads.values(), self._parts.key)

    def _equals_stored(self) -> bool:
        """Whether the survey in the store has the same content as the file. Raises NotFoundError."""
        journals = Journals(self._store, self._survey_id)
        beginnings = journals.look()
        stored = {each.session_id: hashlib.sha256() for each in beginnings}
        filed = {session_id: hashlib.sha256() for session_id in self._whole.events}
        for each in beginnings:
            for entries in journals.pages(each):
                stored[each.session_id].update(self._plain(each.session_id, entries))
        # all of it was read, so that it is known not to be damaged
        if {each.session_id: each.events for each in beginnings} != self._whole.events:
            return False
        for page in pages(self._whole.path):
            filed[page.session_id].update(self._plain(page.session_id, page.entries))
        same = all(stored[each].digest() == filed[each].digest() for each in stored)
        for record in file.read(self._whole.path) if same else ():
            if record.HasField("local_part"):
                self._parts.require_stored(record.local_part)
        return same

    def _append(self, page: store_pb2.BackupPage, at: int) -> int:
        """Store a page of a journal at a position; returns the position after it."""
        place = keys.journal(self._survey_id, page.session_id)
        entries = [
            sealed(
                entry_place(place, position),
                _converted(page.session_id, entry, self._survey_id, "" if position else self._import_id),
            )
            for position, entry in enumerate(page.entries, at)
        ]
        upload = keys.restored_journal(self._survey_id, self._import_id, page.session_id)
        if self._add([upload], [at, UPLOAD_TTL_S, *entries]) != at + len(entries):
            raise self._lost()
        return at + len(entries)

    def _store_named(self, record: store_pb2.BackupRecord) -> None:
        """Store a head or calibration under its digest, unless the store has it undamaged."""
        owner = keys.owner(self._survey_id)
        named: store_pb2.StoredHead | store_pb2.StoredCalibration
        if record.HasField("head"):
            named = record.head
            digest = head_digest(named)
            key = keys.head(owner, digest)
            if named.survey_id == self._whole.header.survey_id:
                named.survey_id = self._survey_id
                self._store.add_member(keys.trained(self._survey_id), digest)
        elif record.HasField("calibration"):
            named = record.calibration
            key = keys.calibration(owner, calibration_digest(named))
        else:
            return
        try:
            present = get_record(self._store, key, type(named), named="it", remedy="") is not None
        except DamagedError:
            present = False
        if not present:
            put_record(self._store, key, named)

    def _plain(self, session_id: str, entries: Iterable[bytes]) -> bytes:
        """Digests of the entries' content, equal for copies under other ids."""
        return b"".join(
            hashlib.sha256(_converted(session_id, entry, self._survey_id, "")).digest() for entry in entries
        )

    def _lost(self) -> SpottedError:
        return StoreUnavailableError(
            f"the store lost the upload of {self._survey_id!r}; nothing was restored, restore the file again"
        )


def _converted(session_id: str, entry: bytes, survey_id: str, import_id: str) -> bytes:
    """An entry converted to a survey id; import_id: id of the import, only for the first entry."""
    event: store_pb2.SurveyEvent | sampler_pb2.SessionEvent
    if session_id:
        event = sampler_pb2.SessionEvent.FromString(entry)
        if event.HasField("created"):
            event.created.survey_id = survey_id
    else:
        event = store_pb2.SurveyEvent.FromString(entry)
        if event.HasField("survey"):
            event.survey.survey_id = survey_id
    event.import_id = import_id
    return event.SerializeToString(deterministic=True)
