"""Writes one survey with its sessions, heads and calibrations, as of one instant, to a file.

Journals only grow, so the state of an instant is a prefix of each journal. The lengths of all journals are
read at once; the prefixes are read afterwards, while services continue to append.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import cast

from google.protobuf.message import DecodeError
from google.protobuf.timestamp_pb2 import Timestamp

from services.common.store import keys
from services.common.store.store import Store
from services.upkeep.backup.file import RecordWriter, open_writer
from spotted import __version__
from spotted.errors import ConcurrencyError, NotFoundError, PreconditionError
from spotted.v1 import store_pb2 as pb

# attempts at a survey that is replaced, or whose sessions change, meanwhile
ATTEMPTS = 10
PAGE_BYTES = 1 << 20
PAGE_ENTRIES = 1000

# Length and first entry of the journal KEYS[1] and of all others after the set of sessions KEYS[2]; nothing
# if the set differs from ARGV.
_LOOK = """
if redis.call('SCARD', KEYS[2]) ~= #ARGV then return false end
for i = 1, #ARGV do
  if redis.call('SISMEMBER', KEYS[2], ARGV[i]) == 0 then return false end
end
local looked = {}
for i = 1, #KEYS do
  if i ~= 2 then
    looked[#looked + 1] = {redis.call('LLEN', KEYS[i]), redis.call('LINDEX', KEYS[i], 0) or ''}
  end
end
return looked
"""
# A page of entries from ARGV[2] up to ARGV[3]; nothing if the first entry of the journal is no longer
# ARGV[1].
_PAGE = f"""
if redis.call('LINDEX', KEYS[1], 0) ~= ARGV[1] then return false end
local at, stop, page, size = tonumber(ARGV[2]), tonumber(ARGV[3]), {{}}, 0
while at < stop and size < {PAGE_BYTES} and #page < {PAGE_ENTRIES} do
  local entry = redis.call('LINDEX', KEYS[1], at)
  if not entry then return false end
  page[#page + 1] = entry
  size = size + #entry
  at = at + 1
end
return page
"""

# events read so far, and events in all
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Beginning:
    """The events that a journal had at an instant."""

    session_id: str
    """"" for the survey's own journal."""
    events: int
    first: bytes
    """The first entry."""

    def key(self, survey_id: str) -> str:
        """Its key in the store."""
        return keys.journal(survey_id, self.session_id)


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A written backup."""

    survey_id: str
    path: Path
    size_bytes: int
    events: int
    sessions: int
    missing: tuple[str, ...]
    """Digests of heads and calibrations that are not in the store, or damaged there."""
    url: str = ""
    """The URL of the file if it went to an object store."""

    @property
    def output(self) -> str:
        """Where the backup is: a file, or a URL."""
        return self.url or str(self.path)


class JournalReplacedError(ConcurrencyError):
    """A journal was deleted, and possibly created again, while it was read."""


class Journals:
    """The journals of a survey, read as of one instant."""

    def __init__(self, store: Store, survey_id: str) -> None:
        self._store = store
        self._survey_id = survey_id
        self._look = store.script(_LOOK, writes=False)
        self._page = store.script(_PAGE, writes=False)

    def look(self) -> list[Beginning]:
        """The current events of every journal of the survey, its own journal first.

        Raises NotFoundError, ConcurrencyError if sessions are created and deleted all the time.
        """
        for _ in range(ATTEMPTS):
            session_ids = self._store.members(keys.sessions(self._survey_id))
            named = [Beginning(session_id, 0, b"") for session_id in ("", *session_ids)]
            own, *others = [each.key(self._survey_id) for each in named]
            looked = self._look([own, keys.sessions(self._survey_id), *others], session_ids)
            if looked:
                found = cast("list[tuple[int, bytes]]", looked)
                seen = [Beginning(n.session_id, *f) for n, f in zip(named, found, strict=True)]
                if not seen[0].events:
                    raise NotFoundError(f"survey {self._survey_id!r} does not exist; it cannot be backed up")
                # a session's id is in the set shortly before its journal exists and after it is deleted
                return [each for each in seen if each.events]
        raise ConcurrencyError(
            f"sessions of survey {self._survey_id!r} were created or deleted during each of {ATTEMPTS} "
            "attempts to read them; try again"
        )

    def pages(self, beginning: Beginning) -> Iterator[list[bytes]]:
        """The entries, page by page. Raises JournalReplacedError if the journal was deleted."""
        key, at = beginning.key(self._survey_id), 0
        while at < beginning.events:
            entries = cast("list[bytes]", self._page([key], [beginning.first, at, beginning.events]))
            if not entries:
                raise JournalReplacedError(f"{key} was deleted while it was read; try again")
            yield entries
            at += len(entries)


class Backups:
    """Backups of the surveys of a store, while services use it."""

    def __init__(self, store: Store, *, now: Callable[[], Timestamp]) -> None:
        """Begin. now: the current time."""
        self._store = store
        self._now = now
        self._trained = lru_cache(None)(self._heads_by_survey)

    def back_up(self, survey_id: str, path: Path, *, on_progress: Progress = lambda *_: None) -> BackedUp:
        """Write the current survey to a file, which appears once it is complete.

        Raises NotFoundError, JournalReplacedError if the survey is deleted and created again all the time.
        """
        for _ in range(ATTEMPTS - 1):
            with suppress(JournalReplacedError):
                return self._write(survey_id, path, on_progress)
        return self._write(survey_id, path, on_progress)

    def _write(self, survey_id: str, path: Path, on_progress: Progress) -> BackedUp:
        journals = Journals(self._store, survey_id)
        beginnings = journals.look()
        done, total = 0, sum(each.events for each in beginnings)
        named = _Digests()
        with open_writer(path) as writer:
            writer.write(pb.BackupRecord(header=self._header(survey_id, beginnings)))
            for each in beginnings:
                for entries in journals.pages(each):
                    page = pb.BackupPage(session_id=each.session_id, entries=entries)
                    writer.write(pb.BackupRecord(page=page))
                    if not each.session_id:
                        named.see(entries)
                    done += len(entries)
                    on_progress(done, total)
            missing = tuple(self._write_named(writer, survey_id, named))
        size = path.stat().st_size
        return BackedUp(survey_id, path, size, total, len(beginnings) - 1, missing)

    def _header(self, survey_id: str, beginnings: list[Beginning]) -> pb.BackupHeader:
        journals = [pb.BackupJournal(session_id=b.session_id, events=b.events) for b in beginnings]
        return pb.BackupHeader(
            survey_id=survey_id,
            create_time=self._now(),
            store_version=keys.STORE_VERSION,
            spotted_version=__version__,
            journals=journals,
        )

    def _write_named(self, writer: RecordWriter, survey_id: str, named: _Digests) -> Iterator[str]:
        """Write the heads and calibrations of a survey; yields the digests of missing ones."""
        owner = keys.owner(survey_id)
        trained = self._trained(owner).get(survey_id, ())
        listed = [("head", digest, keys.head(owner, digest)) for digest in sorted(named.heads.union(trained))]
        listed += [("calibration", d, keys.calibration(owner, d)) for d in sorted(named.calibrations)]
        for kind, digest, key in listed:
            record = pb.BackupRecord()
            try:
                content = self._store.get(key)
                getattr(record, kind).ParseFromString(content or b"")
                found = DIGESTS[kind](getattr(record, kind)) if content else ""
            except DecodeError:
                found = ""
            if found == digest:
                writer.write(record)
            else:
                yield digest

    def _heads_by_survey(self, owner: str) -> Mapping[str, list[str]]:
        """Digests of an organisation's heads by the survey that they were trained on."""
        prefix = keys.head(owner, "")
        digests = defaultdict(list)
        for key in self._store.names(prefix):
            content = self._store.get(key)
            # a damaged head belongs to no survey; one that a survey uses is reported as missing
            with suppress(DecodeError):
                digests[pb.StoredHead.FromString(content or b"").survey_id].append(key.removeprefix(prefix))
        return digests


class _Digests:
    """The heads and calibrations that a survey was ever scored with."""

    def __init__(self) -> None:
        self.heads: set[str] = set()
        self.calibrations: set[str] = set()

    def see(self, entries: list[bytes]) -> None:
        """Read events of the survey's journal. Raises PreconditionError for an invalid entry."""
        for entry in entries:
            try:
                survey = pb.SurveyEvent.FromString(entry).survey
            except DecodeError as error:
                raise PreconditionError(
                    f"the survey's journal has an invalid entry ({error}), so no service can read the "
                    "survey; restore an earlier backup"
                ) from error
            self.heads |= {survey.head_digest} - {""}
            self.calibrations |= {survey.calibration_digest} - {""}


def head_digest(head: pb.StoredHead) -> str:
    """The digest under which a head is stored."""
    return hashlib.sha256(head.onnx).hexdigest()


def calibration_digest(calibration: pb.StoredCalibration) -> str:
    """The digest under which a calibration is stored."""
    return hashlib.sha256(calibration.json.encode()).hexdigest()


DIGESTS: Mapping[str, Callable[..., str]] = {"head": head_digest, "calibration": calibration_digest}
