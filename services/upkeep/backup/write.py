"""One survey with its sessions, heads and calibrations, as one instant had them, into a file.

Journals only grow, so what an instant had is a beginning of each: one look at all their lengths fixes these,
and they are read while services go on to append.
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
from services.upkeep.backup.file import RecordWriter, written
from spotted import __version__
from spotted.errors import ConcurrencyError, NotFoundError, PreconditionError
from spotted.v1 import store_pb2 as pb

# a survey that is deleted and made anew, or loses a session, is looked at again
ATTEMPTS = 10
PAGE_BYTES = 1 << 20
PAGE_ENTRIES = 1000

# Length and first entry of the journal KEYS[1] and of all others after the set of sessions KEYS[2]; nothing
# where the set has others than those in ARGV.
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
# A page of entries from ARGV[2] up to ARGV[3]; nothing where the journal no longer begins with ARGV[1].
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

# events read so far, and of how many
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first events of a journal, all that it had at an instant. session_id: empty for the survey's."""

    session_id: str
    events: int
    first: bytes

    def key(self, survey_id: str) -> str:
        """Its key in the store."""
        if self.session_id:
            return keys.session_journal(survey_id, self.session_id)
        return keys.survey_journal(survey_id)


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What a file holds. missing: digests of heads and calibrations that the store did not have."""

    survey_id: str
    path: Path
    size_bytes: int
    events: int
    sessions: int
    missing: tuple[str, ...]


class MadeAnewError(ConcurrencyError):
    """A journal was deleted, and perhaps made anew, while it was read."""


class Journals:
    """The journals of a survey, read as one instant had them."""

    def __init__(self, store: Store, survey_id: str) -> None:
        self._store = store
        self._survey_id = survey_id
        self._look = store.script(_LOOK, writes=False)
        self._page = store.script(_PAGE, writes=False)

    def look(self) -> list[Beginning]:
        """What every journal of the survey has at this instant, its own first.

        Raises NotFoundError, ConcurrencyError where sessions come and go without an end.
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
                    raise NotFoundError(f"survey {self._survey_id!r} does not exist, so it has no backup")
                # a session's id stands in the set a moment before and after its journal
                return [each for each in seen if each.events]
        raise ConcurrencyError(f"the sessions of survey {self._survey_id!r} change all the time; try again")

    def pages(self, beginning: Beginning) -> Iterator[list[bytes]]:
        """The entries, by pages. Raises MadeAnewError where the journal is not there any more."""
        key, at = beginning.key(self._survey_id), 0
        while at < beginning.events:
            entries = cast("list[bytes]", self._page([key], [beginning.first, at, beginning.events]))
            if not entries:
                raise MadeAnewError(f"{key} was deleted while it was read; try again")
            yield entries
            at += len(entries)


class Backups:
    """Backups of the surveys of a store, which stays in use meanwhile. now: the present instant."""

    def __init__(self, store: Store, *, now: Callable[[], Timestamp]) -> None:
        self._store = store
        self._now = now
        self._trained = lru_cache(None)(self._heads_by_survey)

    def back_up(self, survey_id: str, path: Path, *, progress: Progress = lambda *_: None) -> BackedUp:
        """Write a survey as it stands into a file, which is there once it is whole.

        Raises NotFoundError, MadeAnewError where the survey is deleted and made anew all the time.
        """
        for _ in range(ATTEMPTS - 1):
            with suppress(MadeAnewError):
                return self._write(survey_id, path, progress)
        return self._write(survey_id, path, progress)

    def _write(self, survey_id: str, path: Path, progress: Progress) -> BackedUp:
        journals = Journals(self._store, survey_id)
        beginnings = journals.look()
        done, total = 0, sum(each.events for each in beginnings)
        named = _Digests()
        with written(path) as writer:
            writer.write(pb.BackupRecord(header=self._header(survey_id, beginnings)))
            for each in beginnings:
                for entries in journals.pages(each):
                    page = pb.BackupPage(session_id=each.session_id, entries=entries)
                    writer.write(pb.BackupRecord(page=page))
                    if not each.session_id:
                        named.see(entries)
                    done += len(entries)
                    progress(done, total)
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
        """Write the heads and calibrations of a survey; gives the digests of those that are not there."""
        owner = keys.owner(survey_id)
        trained = self._trained(owner).get(survey_id, ())
        places = [("head", digest, keys.head(owner, digest)) for digest in sorted(named.heads.union(trained))]
        places += [("calibration", d, keys.calibration(owner, d)) for d in sorted(named.calibrations)]
        for kind, digest, key in places:
            content = self._store.get(key)
            if content is None:
                yield digest
            else:
                record = pb.BackupRecord()
                getattr(record, kind).ParseFromString(content)
                writer.write(record)

    def _heads_by_survey(self, owner: str) -> Mapping[str, list[str]]:
        """The heads of an organisation by the survey that they were trained on."""
        prefix = keys.head(owner, "")
        found = defaultdict(list)
        for key in self._store.names(prefix):
            content = self._store.get(key)
            if content is not None:
                found[pb.StoredHead.FromString(content).survey_id].append(key.removeprefix(prefix))
        return found


class _Digests:
    """The heads and calibrations that a survey was ever scored through."""

    def __init__(self) -> None:
        self.heads: set[str] = set()
        self.calibrations: set[str] = set()

    def see(self, entries: list[bytes]) -> None:
        """Take in events of the survey's journal. Raises PreconditionError for what is none."""
        for entry in entries:
            try:
                survey = pb.SurveyEvent.FromString(entry).survey
            except DecodeError as error:
                raise PreconditionError(
                    f"the survey's journal holds an entry that is no event ({error}), so no service can read "
                    "it; restore an earlier backup"
                ) from error
            self.heads |= {survey.head_digest} - {""}
            self.calibrations |= {survey.calibration_digest} - {""}


def head_digest(head: pb.StoredHead) -> str:
    """What a head is stored under."""
    return hashlib.sha256(head.onnx).hexdigest()


def calibration_digest(calibration: pb.StoredCalibration) -> str:
    """What a calibration is stored under."""
    return hashlib.sha256(calibration.json.encode()).hexdigest()
