"""The journals of a survey, read as of one instant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

from services.common.store import keys
from services.common.store.journal import damaged_journal, lost_end
from services.common.store.moved import BlockLostError, opened_entry
from services.common.store.seal import entry_place
from services.common.store.store import Store
from services.common.survey.existence_scripts import SAME_MEMBERS
from services.upkeep.backup.validation import INVALID, JournalEvents
from spotted.errors import ConcurrencyError, NotFoundError, SurveyDamagedError, UnavailableError

# attempts at a survey whose sessions change meanwhile
ATTEMPTS = 10
PAGE_BYTES = 1 << 20
PAGE_ENTRIES = 1000

# Length, noted length and first entry of each journal; nothing if the set of sessions KEYS[1] differs from
# ARGV. The journals follow it, each with its length.
_LOOK = (
    SAME_MEMBERS
    + """
if not same_members(KEYS[1], 1) then return false end
local looked = {}
for i = 2, #KEYS, 2 do
  local noted = tonumber(redis.call('GET', KEYS[i + 1])) or 0
  looked[#looked + 1] = {redis.call('LLEN', KEYS[i]), noted, redis.call('LINDEX', KEYS[i], 0) or ''}
end
return looked
"""
)
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


@dataclass(frozen=True, slots=True)
class Beginning:
    """The events that a journal had at an instant."""

    session_id: str
    """"" for the survey's own journal."""
    events: int
    noted: int
    """Number of events that were appended; more than `events` if entries were lost."""
    first: bytes
    """The first entry as stored."""

    def key(self, survey_id: str) -> str:
        """Its key in the store."""
        return keys.journal(survey_id, self.session_id)


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
            named = [Beginning(session_id, 0, 0, b"") for session_id in ("", *session_ids)]
            journals = [each.key(self._survey_id) for each in named]
            touched = [key for journal in journals for key in (journal, journal + keys.LENGTH)]
            looked = self._look([keys.sessions(self._survey_id), *touched], session_ids)
            if looked:
                found = cast("list[tuple[int, int, bytes]]", looked)
                seen = [Beginning(n.session_id, *f) for n, f in zip(named, found, strict=True)]
                if not (seen[0].events or seen[0].noted):
                    raise NotFoundError(f"survey {self._survey_id!r} does not exist; it cannot be backed up")
                return [each for each in seen if each.events or each.noted]
        raise ConcurrencyError(
            f"sessions of survey {self._survey_id!r} were created or deleted during each of {ATTEMPTS} "
            "attempts to read them; try again"
        )

    def pages(self, beginning: Beginning) -> Iterator[list[bytes]]:
        """The events, page by page, up to a damaged one.

        Raises JournalReplacedError if the journal was deleted, SurveyDamagedError at the damage.
        """
        key, at = beginning.key(self._survey_id), 0
        while at < beginning.events:
            entries = cast("list[bytes]", self._page([key], [beginning.first, at, beginning.events]))
            if not entries:
                raise JournalReplacedError(f"{key} was deleted while it was read; try again")
            fault, page = "", list[bytes]()
            for position, entry in enumerate(entries, at):
                event, fault = self._opened(entry_place(key, position), entry)
                if fault:
                    break
                page.append(event)
                at += 1
                # vectors from blocks make a page larger than its entries
                if sum(map(len, page)) >= PAGE_BYTES:
                    yield page
                    page = []
            if page:
                yield page
            if fault:
                raise self._damaged(beginning, at, fault)
        if beginning.noted > at:
            raise self._damaged(beginning, at, lost_end(beginning.noted - at))

    def _opened(self, place: str, entry: bytes) -> tuple[bytes, str]:
        """The event in an entry as stored at a place; or b"", and what is wrong with the entry."""
        try:
            event = opened_entry(self._store.blocks, keys.owner(self._survey_id), place, entry)
        except BlockLostError as error:
            return b"", str(error)
        return (b"", "its checksum is wrong") if event is None else (event, "")

    def up_to_damage(self, beginnings: list[Beginning]) -> list[Beginning]:
        """The events before the first damaged or invalid one of each journal that has any.

        An event of a session is invalid too if it names a detection that only a lost event of the survey
        added. Raises SurveyDamagedError if the survey's own journal has none.
        """
        checked = JournalEvents(self._survey_id)
        for each in beginnings:
            try:
                for events in self.pages(each):
                    for event in events:
                        checked.take(each.session_id, event)
            except (JournalReplacedError, UnavailableError):
                raise
            except INVALID:
                continue
        if not checked.events[""]:
            raise self._damaged(beginnings[0], 0, "nothing precedes it")
        sound = ((each, checked.events[each.session_id]) for each in beginnings)
        return [replace(each, events=events, noted=events) for each, events in sound if events]

    def _damaged(self, beginning: Beginning, position: int, fault: str) -> SurveyDamagedError:
        return damaged_journal(self._survey_id, beginning.session_id, position, fault)
