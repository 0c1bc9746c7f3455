"""Writes one survey with its sessions, heads and calibrations, as of one instant, to a file.

Journals only grow, so the state of an instant is a prefix of each journal. The lengths of all journals are
read at once; the prefixes are read afterwards, while services continue to append.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import DecodeError
from google.protobuf.timestamp_pb2 import Timestamp

from services.common.store import keys
from services.common.store.journal import damaged_journal
from services.common.store.records import get_record
from services.common.store.store import Store
from services.upkeep.backup.catalogues import batches, read_catalogue
from services.upkeep.backup.file import RecordWriter, open_writer
from services.upkeep.backup.journals import Beginning, JournalReplacedError, Journals
from services.upkeep.backup.local_parts import named_parts, read_parts
from spotted import __version__
from spotted.errors import DamagedError
from spotted.v1 import store_pb2 as pb

# attempts at a survey that is replaced meanwhile
ATTEMPTS = 10

KINDS: Mapping[str, type[pb.StoredHead | pb.StoredCalibration]] = {
    "head": pb.StoredHead,
    "calibration": pb.StoredCalibration,
}

# events read so far, and events in all
Progress = Callable[[int, int], None]


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
    left_out: int = 0
    """Number of events from the first damaged one of a journal on, which are not in the file."""
    url: str = ""
    """The URL of the file if it went to an object store."""

    @property
    def output(self) -> str:
        """Where the backup is: a file, or a URL."""
        return self.url or str(self.path)


class Backups:
    """Backups of the surveys of a store, while services use it."""

    def __init__(self, store: Store, *, now: Callable[[], Timestamp]) -> None:
        """Begin. now: the current time."""
        self._store = store
        self._now = now

    def back_up(
        self,
        survey_id: str,
        path: Path,
        *,
        up_to_damage: bool = False,
        on_progress: Progress = lambda *_: None,
    ) -> BackedUp:
        """Write the current survey, or catalogue, to a file, which appears once it is complete.

        up_to_damage: write what precedes the first damaged event of each journal.
        Raises NotFoundError, SurveyDamagedError, JournalReplacedError if the survey is deleted and created
        again all the time.
        """
        organisation = keys.catalogue_owner(survey_id)
        if organisation is not None:
            return self._write_catalogue(organisation, path, on_progress, up_to_damage=up_to_damage)
        for _ in range(ATTEMPTS - 1):
            with suppress(JournalReplacedError):
                return self._write(survey_id, path, on_progress, up_to_damage=up_to_damage)
        return self._write(survey_id, path, on_progress, up_to_damage=up_to_damage)

    def _write(self, survey_id: str, path: Path, on_progress: Progress, *, up_to_damage: bool) -> BackedUp:
        journals = Journals(self._store, survey_id)
        beginnings = journals.look()
        stored = sum(max(each.events, each.noted) for each in beginnings)
        if up_to_damage:
            beginnings = journals.up_to_damage(beginnings)
        done, total = 0, sum(each.events for each in beginnings)
        named = _Digests(survey_id)
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
            for part in read_parts(self._store, survey_id, named.parts):
                writer.write(pb.BackupRecord(local_part=part))
        size = path.stat().st_size
        left_out = stored - total if up_to_damage else 0
        return BackedUp(survey_id, path, size, total, len(beginnings) - 1, missing, left_out)

    def _write_catalogue(
        self, organisation: str, path: Path, on_progress: Progress, *, up_to_damage: bool
    ) -> BackedUp:
        named = keys.catalogue_id(organisation)
        events, left_out = read_catalogue(self._store, organisation, up_to_damage=up_to_damage)
        done = 0
        with open_writer(path) as writer:
            beginning = Beginning("", len(events), len(events), b"")
            writer.write(pb.BackupRecord(header=self._header(named, [beginning])))
            for entries in batches(events):
                writer.write(pb.BackupRecord(page=pb.BackupPage(entries=entries)))
                done += len(entries)
                on_progress(done, len(events))
        return BackedUp(named, path, path.stat().st_size, len(events), 0, (), left_out)

    def _header(self, survey_id: str, beginnings: Sequence[Beginning]) -> pb.BackupHeader:
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
        trained = self._store.members(keys.trained(survey_id))
        listed = [("head", digest, keys.head(owner, digest)) for digest in sorted(named.heads.union(trained))]
        listed += [("calibration", d, keys.calibration(owner, d)) for d in sorted(named.calibrations)]
        for kind, digest, key in listed:
            found = None
            with suppress(DamagedError):
                found = get_record(self._store, key, KINDS[kind], named=kind, remedy="")
            if found is None:
                # a head that was trained and never used may be listed only
                if digest in named.heads | named.calibrations:
                    yield digest
            else:
                record = pb.BackupRecord()
                getattr(record, kind).CopyFrom(found)
                writer.write(record)


class _Digests:
    """The heads and calibrations that a survey was ever scored with."""

    def __init__(self, survey_id: str) -> None:
        self._survey_id = survey_id
        self._read = 0
        self.heads: set[str] = set()
        self.calibrations: set[str] = set()
        self.parts: dict[str, str] = {}
        """Name of local features that were stored -> their detection."""

    def see(self, entries: list[bytes]) -> None:
        """Read events of the survey's journal, in order. Raises SurveyDamagedError for an invalid one."""
        for entry in entries:
            try:
                event = pb.SurveyEvent.FromString(entry)
                self.parts.update(named_parts(event))
            except (DecodeError, ValueError) as error:
                raise damaged_journal(self._survey_id, "", self._read, "it cannot be decoded") from error
            self._read += 1
            survey = event.survey
            self.heads |= {survey.head_digest} - {""}
            self.calibrations |= {survey.calibration_digest} - {""}


def head_digest(head: pb.StoredHead) -> str:
    """The digest under which a head is stored."""
    return hashlib.sha256(head.onnx).hexdigest()


def calibration_digest(calibration: pb.StoredCalibration) -> str:
    """The digest under which a calibration is stored."""
    return hashlib.sha256(calibration.json.encode()).hexdigest()
