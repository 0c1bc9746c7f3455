"""The catalogue of an organisation in backups: one journal, restored completely or not at all."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress

from google.protobuf.message import DecodeError

from services.common.rpc import checks
from services.common.store import keys
from services.common.store.catalogue_journal import CatalogueJournal
from services.common.store.journal import COUNTED
from services.common.store.organisations import enrol, enrolled
from services.common.store.seal import entry_place, sealed
from services.common.store.store import Store
from services.upkeep.backup.contents import Contents, pages
from spotted.catalogue.entries import is_entry_id
from spotted.errors import (
    AlreadyExistsError,
    DamagedError,
    InvalidInputError,
    NotFoundError,
    StoreUnavailableError,
    SurveyDamagedError,
)
from spotted.v1 import catalogue_pb2 as pb

PAGE_BYTES = 1 << 20
# an upload that an interrupted restore left behind expires after this time
UPLOAD_TTL_S = 3600

_ADD = "redis.call('RPUSH', KEYS[1], unpack(ARGV, 2)) redis.call('EXPIRE', KEYS[1], ARGV[1])"
# Makes the upload KEYS[2] of ARGV[1] entries the journal KEYS[1] of the length KEYS[3], in place of what is
# there if ARGV[2] is 1; returns 0 if there is a journal that it may not replace, -1 if the upload is not
# whole.
_OPEN = f"""{COUNTED}
if exists(KEYS[1], KEYS[3]) and ARGV[2] ~= '1' then return 0 end
if redis.call('LLEN', KEYS[2]) ~= tonumber(ARGV[1]) then return -1 end
redis.call('RENAME', KEYS[2], KEYS[1])
redis.call('PERSIST', KEYS[1])
count(KEYS[1], KEYS[3])
return 1
"""


def catalogue_ids(store: Store) -> list[str]:
    """The ids of the catalogues of a store as backups name them, sorted."""
    return [keys.catalogue_id(each) for each in enrolled(store) if CatalogueJournal(store, each).length()]


def read_catalogue(store: Store, organisation: str, *, up_to_damage: bool = False) -> tuple[list[bytes], int]:
    """The changes of a catalogue as of now, and the number of those left out from the first damaged one on.

    Raises NotFoundError if there is none, SurveyDamagedError unless up_to_damage is set.
    """
    journal = CatalogueJournal(store, organisation)
    events: list[bytes] = []
    count = journal.length()
    if not count:
        raise NotFoundError(f"{_named(organisation)} is empty; it cannot be backed up")
    try:
        for event in itertools.islice(journal.read(0), count):
            events.append(event)  # noqa: PERF402 - those before the damage are kept
        if len(events) < count:
            raise journal.lost(len(events), count - len(events))
    except SurveyDamagedError:
        if not (up_to_damage and events):
            raise
    return events, count - len(events)


def batches(events: Sequence[bytes]) -> list[list[bytes]]:
    """The changes in pages of about 1 MiB, in order."""
    made: list[list[bytes]] = []
    size = PAGE_BYTES
    for event in events:
        if size + len(event) > PAGE_BYTES:
            made.append([])
            size = 0
        made[-1].append(event)
        size += len(event)
    return made


def check_catalogue(whole: Contents) -> None:
    """Check every change of a file. Raises InvalidInputError that names the first wrong one."""
    seen: set[str] = set()
    for number, entry in enumerate(_events(whole), start=1):
        try:
            change = pb.CatalogueChange.FromString(entry)
            _check(change)
            checks.unique([*seen, change.change_id], "change_id")
        except (InvalidInputError, DecodeError) as error:
            raise InvalidInputError(
                f"{whole.path} has an invalid event {number} of the catalogue ({error}); nothing was "
                "restored, use another backup of it"
            ) from error
        seen.add(change.change_id)


def restore_catalogue(
    store: Store,
    whole: Contents,
    organisation: str,
    *,
    over_damaged: bool,
    on_progress: Callable[[int, int], None],
) -> bool:
    """Restore a catalogue for an organisation; False if it exists with the same content.

    over_damaged: replace one that is damaged. Raises InvalidInputError for a wrong file, AlreadyExistsError
    for a catalogue with other content, SurveyDamagedError for a damaged one.
    """
    check_catalogue(whole)
    events, replaces = _events(whole), False
    try:
        stored: list[bytes] = []
        with suppress(NotFoundError):
            stored, _ = read_catalogue(store, organisation)
        if stored:
            if _alike(stored) == _alike(events):
                return False
            raise _exists(organisation, whole)
    except DamagedError:
        if not over_damaged:
            raise
        replaces = True
    _put(store, organisation, events, replaces=replaces, whole=whole, on_progress=on_progress)
    return True


def _put(
    store: Store,
    organisation: str,
    events: Sequence[bytes],
    *,
    replaces: bool,
    whole: Contents,
    on_progress: Callable[[int, int], None],
) -> None:
    """Upload the changes, and make them the catalogue in one step."""
    journal, import_id = keys.catalogue_journal(organisation), uuid.uuid4().hex
    upload, done = keys.restored_catalogue(organisation, import_id), 0
    add = store.script(_ADD)
    # services may still have more of the catalogue that was backed up
    first = pb.CatalogueChange.FromString(events[0])
    first.change_id = import_id
    for page in batches([first.SerializeToString(), *events[1:]]):
        entries = [sealed(entry_place(journal, at), event) for at, event in enumerate(page, done)]
        add([upload], [UPLOAD_TTL_S, *entries])
        done += len(page)
        on_progress(done, len(events))
    enrol(store, organisation)
    touched = [journal, upload, journal + keys.LENGTH]
    opened = store.script(_OPEN)(touched, [len(events), int(replaces)])
    if opened != 1:
        store.delete(upload)
    if opened == -1:
        raise StoreUnavailableError(
            "the store lost the upload of the catalogue; nothing was restored, restore the file again"
        )
    if not opened:
        raise _exists(organisation, whole)


def _events(whole: Contents) -> list[bytes]:
    return [entry for page in pages(whole.path) for entry in page.entries]


def _alike(events: Sequence[bytes]) -> list[bytes]:
    """The changes, equal for a catalogue and a restored copy of it."""
    first = pb.CatalogueChange.FromString(events[0])
    first.ClearField("change_id")
    return [first.SerializeToString(), *events[1:]]


def _check(change: pb.CatalogueChange) -> None:
    """Raise InvalidInputError for a change that no service writes."""
    checks.identifier(change.change_id, "change_id")
    checks.instant(change.create_time, "create_time")
    for member in change.members:
        checks.slug(member.survey_id, "survey_id")
        checks.identifier(member.detection_id, "detection_id")
    ids = [member.entry_id for member in change.members if member.entry_id]
    ids += [attribute.entry.entry_id for attribute in change.attributes]
    ids += [each for link in change.links for each in (link.entry_id, link.merged_entry_id)]
    for each in ids:
        if not is_entry_id(each):
            raise InvalidInputError(f"{each[:40]!r} is no id of an entry")


def _exists(organisation: str, whole: Contents) -> AlreadyExistsError:
    return AlreadyExistsError(
        f"{_named(organisation)} already exists with other content than {whole.path}; restore the file for "
        "another organisation, or into another store"
    )


def _named(organisation: str) -> str:
    return f"the catalogue of {organisation!r}" if organisation else "the catalogue"
