"""The contents of a backup file, reported only after the whole file was read and verified."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from services.common.store import keys
from services.upkeep.backup import file
from spotted.errors import InvalidInputError, StoreVersionError
from spotted.v1 import store_pb2 as pb

# versions of the store whose backups are the same: they always contain the vectors
READABLE = {"3", keys.STORE_VERSION}


@dataclass(frozen=True, slots=True)
class Contents:
    """The contents of a backup file."""

    path: Path
    size_bytes: int
    header: pb.BackupHeader
    events: dict[str, int]
    """Number of events by session id; the survey's own events under ""."""
    heads: int
    calibrations: int

    @property
    def sessions(self) -> int:
        """Number of sessions."""
        return len(self.events) - 1


def read_contents(path: Path) -> Contents:
    """Verify a file and return its contents.

    Raises InvalidInputError if it is damaged, truncated or not a backup, StoreVersionError if it was made
    from a store of another version.
    """
    records = file.read(path)
    header = next(records, pb.BackupRecord()).header
    if not header.journals:
        raise InvalidInputError(f"{path} has no list of its journals; use another backup of the survey")
    if header.store_version not in READABLE:
        raise StoreVersionError(
            f"{path} was made from a store of version {header.store_version}, this release uses version "
            f"{keys.STORE_VERSION}; restore it with Spotted {header.spotted_version} into an empty store and "
            "upgrade that store"
        )
    events, others = _counted(records)
    listed = {journal.session_id: journal.events for journal in header.journals}
    if list(events.items()) != list(listed.items()):
        raise InvalidInputError(
            f"the journals in {path} differ from the list in its header; use another backup of the survey"
        )
    return Contents(path, path.stat().st_size, header, events, others["head"], others["calibration"])


def pages(path: Path) -> Iterator[pb.BackupPage]:
    """The pages of a file's journals, in order."""
    return (record.page for record in file.read(path) if record.HasField("page"))


def _counted(records: Iterable[pb.BackupRecord]) -> tuple[dict[str, int], Counter[str]]:
    """Number of events by session, in order, and number of records by kind."""
    events: dict[str, int] = {}
    kinds: Counter[str] = Counter()
    for record in records:
        kinds[str(record.WhichOneof("record"))] += 1
        if record.HasField("page"):
            page = record.page
            events[page.session_id] = events.get(page.session_id, 0) + len(page.entries)
    return events, kinds
