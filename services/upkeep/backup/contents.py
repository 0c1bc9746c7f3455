"""What a backup file holds, told only after all of it was read and found well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from services.common.store import keys
from services.upkeep.backup import file
from spotted.errors import InvalidInputError, StoreVersionError
from spotted.v1 import store_pb2 as pb


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds. events: by session id, those of the survey itself under ""."""

    path: Path
    size_bytes: int
    header: pb.BackupHeader
    events: dict[str, int]
    heads: int
    calibrations: int

    @property
    def sessions(self) -> int:
        """Number of sessions."""
        return len(self.events) - 1


def read_contents(path: Path) -> Contents:
    """What a file holds, after all of it was checked.

    Raises InvalidInputError where it is damaged, cut off or no backup, StoreVersionError where it was made
    of a store of another version.
    """
    records = file.read(path)
    header = next(records, pb.BackupRecord()).header
    if not header.journals:
        raise InvalidInputError(f"{path} does not say what it holds; use another backup of the survey")
    if header.store_version != keys.STORE_VERSION:
        raise StoreVersionError(
            f"{path} was made of a store of version {header.store_version}, this is version "
            f"{keys.STORE_VERSION}; restore it with Spotted {header.spotted_version} into an empty store and "
            "upgrade that one"
        )
    events, others = _counted(records)
    told = {journal.session_id: journal.events for journal in header.journals}
    if list(events.items()) != list(told.items()):
        raise InvalidInputError(f"{path} holds other journals than it says; use another backup of the survey")
    return Contents(path, path.stat().st_size, header, events, others["head"], others["calibration"])


def pages(path: Path) -> Iterator[pb.BackupPage]:
    """The pages of a file's journals, in their order."""
    return (record.page for record in file.read(path) if record.HasField("page"))


def _counted(records: Iterable[pb.BackupRecord]) -> tuple[dict[str, int], Counter[str]]:
    """Events by session in the order in which they come, and how many records there are of each kind."""
    events: dict[str, int] = {}
    kinds: Counter[str] = Counter()
    for record in records:
        kinds[str(record.WhichOneof("record"))] += 1
        if record.HasField("page"):
            page = record.page
            events[page.session_id] = events.get(page.session_id, 0) + len(page.entries)
    return events, kinds
