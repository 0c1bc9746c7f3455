"""Surveys and sessions as journals: lists of events in the store, appended at a known position."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from services.common.store import keys, request_content
from services.common.store.moved import MARKED, BlockLostError, mark_of, opened_entry
from services.common.store.request_content import NO_REQUEST, KeptAnswer, first_answer
from services.common.store.seal import entry_place, sealed
from services.common.store.store import Store
from spotted.errors import SurveyDamagedError

# entries are about 1 MiB at most, so a page stays far below the size that a connection can buffer
PAGE_ENTRIES = 64

# The part of the journal KEYS[1], with its length KEYS[2], that a reader has not read yet. The reader has
# folded ARGV[1] entries, the first of them ARGV[2], the last with the mark ARGV[3]. Returns the start
# position, the length, a page of entries, and the length that was noted when the last entry was appended:
# entries that were lost since leave it larger. A journal that is shorter or has another first entry was
# deleted and created again; a journal with another entry at the reader's position lost entries, none of them
# acknowledged, when the store failed over or was restored. Both are read from the beginning.
_NEWS = f"""
{MARKED}
local folded = tonumber(ARGV[1])
local length = redis.call('LLEN', KEYS[1])
local noted = tonumber(redis.call('GET', KEYS[2])) or 0
local start = folded
if folded > length or (ARGV[2] ~= '' and redis.call('LINDEX', KEYS[1], 0) ~= ARGV[2]) then start = 0 end
if start > 0 and ARGV[3] ~= '' and mark(redis.call('LINDEX', KEYS[1], folded - 1)) ~= ARGV[3] then
  start = 0
end
local function news()
  return {{start, length, redis.call('LRANGE', KEYS[1], start, start + {PAGE_ENTRIES - 1}), noted}}
end
"""
_READ = f"{_NEWS} return news()"
_LENGTH = "return {redis.call('LLEN', KEYS[1]), tonumber(redis.call('GET', KEYS[2])) or 0}"
# An answer is kept after a digest of the journal's first entry, so that an answer from before the journal was
# deleted and created again does not count, and after the content of its request (request_content.py).
ANSWERED = """
local function digest(journal)
  return redis.sha1hex(redis.call('LINDEX', journal, 0) or '')
end
local function answered(request, begins)
  local kept = redis.call('GET', request)
  return kept and string.sub(kept, 1, 40) == begins and string.sub(kept, 41)
end
"""
# A journal is known by its entries and by its length, of which either may be lost.
COUNTED = """
local function count(journal, length)
  redis.call('SET', length, redis.call('LLEN', journal))
end
local function exists(journal, length)
  return redis.call('EXISTS', journal, length) > 0
end
"""
_LOOK_UP = f"{ANSWERED} return answered(KEYS[2], digest(KEYS[1]))"
# Appends all changes or none. For each change KEYS also holds its request and a hash, ARGV its entry, its
# answer, the number of fields to delete from the hash and these fields, the number of fields to set and each
# with its value. If a request was answered before, or the writer has not read all entries, nothing is
# written; the first answers and the missing entries are returned.
_APPEND = (
    _NEWS
    + ANSWERED
    + COUNTED
    + """
local answers, known, begins = {}, false, digest(KEYS[1])
for i = 3, #KEYS, 2 do
  local answer = answered(KEYS[i], begins)
  answers[#answers + 1] = answer
  known = known or answer
end
if known or start ~= folded or folded ~= length or noted > length then return {answers, news()} end
local at = 5
for i = 3, #KEYS, 2 do
  local gone = tonumber(ARGV[at + 2])
  local set = tonumber(ARGV[at + 3 + gone])
  if ARGV[at] ~= '' then redis.call('RPUSH', KEYS[1], ARGV[at]) end
  if length == 0 then begins = digest(KEYS[1]) end
  redis.call('SET', KEYS[i], begins .. ARGV[at + 1], 'EX', ARGV[4])
  for j = at + 3, at + 2 + gone do redis.call('HDEL', KEYS[i + 1], ARGV[j]) end
  at = at + 4 + gone
  for j = at, at + 2 * set - 1, 2 do redis.call('HSET', KEYS[i + 1], ARGV[j], ARGV[j + 1]) end
  at = at + 2 * set
end
if redis.call('LLEN', KEYS[1]) > length then count(KEYS[1], KEYS[2]) end
return {answers, false}
"""
)


@dataclass(frozen=True, slots=True)
class Fields:
    """Fields of a hash in the store."""

    key: str
    fields: Sequence[str]
    """Fields that are deleted."""
    values: Mapping[str, bytes] = field(default_factory=dict)
    """Fields that are set, as stored."""


@dataclass(frozen=True, slots=True)
class Change:
    """An event to append, and the answer that the caller gets once it is on disk."""

    entry: bytes
    """The serialised event; empty if nothing changes and only the answer is stored."""
    answer: bytes
    """Stored with the request id and returned to every repeat of the request."""
    ends: Fields | None = None
    """Fields of a hash changed in the same step; the hash belongs to the journal's survey."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A change together with the request that makes it."""

    change: Change
    scope: str
    """The rpc and its session; the same request id in another scope is another request."""
    request_id: str
    content: str = NO_REQUEST
    """Digest of the request; a repeat has the same."""


@dataclass(frozen=True, slots=True)
class News:
    """A page of the entries that a reader has not read yet."""

    start: int
    """Position of the first entry of the page, counted from 0."""
    length: int
    """Number of entries in the whole journal."""
    entries: Sequence[bytes]
    """As stored, with their checksums."""
    lost: int = 0
    """Number of entries that the store lost from the end of the journal."""


@dataclass(frozen=True, slots=True)
class OfferResult:
    """The result of offering changes: all were appended, or none."""

    answers: Sequence[KeptAnswer | None]
    """For each offer the first answer to its request id, None if the id is new."""
    news: News | None
    """Entries that the writer has not read yet; None if the offers were appended."""
    appended: Sequence[bytes] = ()
    """The entries of the offers as stored; empty if none was appended."""


class Journal:
    """A list of events in the store.

    Reading an event that was changed or lost raises SurveyDamagedError.
    """

    def __init__(self, store: Store, survey_id: str, session_id: str | None = None) -> None:
        """Begin. session_id: None for the survey's own journal; a request may name the session ""."""
        self._store = store
        self.key = keys.survey_journal(survey_id)
        if session_id is not None:
            self.key = keys.session_journal(survey_id, session_id)
        self._survey_id = survey_id
        self._organisation = keys.owner(survey_id)
        self._session_id = session_id or ""
        self._news = store.script(_READ, writes=False)
        self._length = store.script(_LENGTH, writes=False)
        self._append = store.script(_APPEND)
        # its answer is acknowledged to the caller, so it waits for the disk like a write
        self._look_up = store.script(_LOOK_UP)

    def request_key(self, scope: str, request_id: str) -> str:
        """The key of the first answer to a request."""
        return keys.request(self._survey_id, scope, request_id)

    def length(self) -> int:
        """Number of events that were appended; some may have been lost from the end."""
        length, noted = cast("tuple[int, int]", self._length([self.key, self.key + keys.LENGTH], []))
        return max(length, noted)

    def read(self, start: int) -> Iterator[bytes]:
        """The events from position `start` (counted from 0) on."""
        while entries := self._store.slice(self.key, start, start + PAGE_ENTRIES - 1):
            yield from (self.opened(position, entry) for position, entry in enumerate(entries, start))
            start += len(entries)

    def opened(self, position: int, entry: bytes) -> bytes:
        """The event in an entry as stored at a position, counted from 0, with what is in a block of it.

        Raises SurveyDamagedError, and as `opened_entry` if the blocks cannot be read.
        """
        place = entry_place(self.key, position)
        try:
            event = opened_entry(self._store.blocks, self._organisation, place, entry)
        except BlockLostError as error:
            raise self.damaged(position, str(error)) from error
        if event is None:
            raise self.damaged(position, "its checksum is wrong")
        return event

    def damaged(self, position: int, fault: str) -> SurveyDamagedError:
        """The error for a damaged event at a position, counted from 0. fault: what is wrong with it."""
        return damaged_journal(self._survey_id, self._session_id, position, fault)

    def news(self, folded: int, first: bytes, last: bytes = b"") -> News:
        """The entries still to be read by a reader with `folded` events, from `first` to `last`.

        One round trip. first, last: as stored; b"" to skip their comparison.
        """
        return _page(self._news([self.key, self.key + keys.LENGTH], [folded, first, mark_of(last)]))

    def answered(self, scope: str, request_id: str) -> bytes | None:
        """The first answer to the request being served, or None. Raises RequestIdReusedError."""
        request = self.request_key(scope, request_id)
        kept = cast("bytes | None", self._look_up([self.key, request], []))
        return None if kept is None else first_answer(request, kept, request_id)

    def append(self, change: Change, *, expected: int, scope: str, request_id: str) -> bytes | None:
        """Append at position `expected`; returns the answer, or None if another writer was first.

        A request id that was answered before returns its first answer and appends nothing. Raises
        RequestIdReusedError.
        """
        content = request_content.current()
        result = self.offer([Offer(change, scope, request_id, content)], folded=expected, first=b"")
        if not result.news:
            return change.answer
        kept = result.answers[0]
        return None if kept is None else kept.to(content, request_id)

    def offer(self, offers: Sequence[Offer], *, folded: int, first: bytes, last: bytes = b"") -> OfferResult:
        """Append as a writer that has `folded` events, from `first` to `last`; one round trip.

        first, last: as stored; b"" to skip their comparison.
        Nothing is appended if a request was answered before, or the journal has grown or was replaced.
        """
        requests = [self.request_key(offer.scope, offer.request_id) for offer in offers]
        appended: list[bytes] = []
        touched = [self.key, self.key + keys.LENGTH]
        arguments: list[bytes | str | int] = [folded, first, mark_of(last), keys.REQUEST_TTL_S]
        for request, offer in zip(requests, offers, strict=True):
            ends, entry = offer.change.ends or Fields(self.key, ()), offer.change.entry
            if entry:
                entry = sealed(entry_place(self.key, folded + len(appended)), entry)
                appended.append(entry)
            touched += [request, ends.key]
            answer = KeptAnswer(offer.content, offer.change.answer).stored(request)
            arguments += [entry, answer, len(ends.fields), *ends.fields, len(ends.values)]
            arguments += [part for value in ends.values.items() for part in value]
        result = self._append(touched, arguments)
        kept, news = cast("tuple[list[bytes | None], object]", result)
        first_answers = [
            None if answer is None else KeptAnswer.read(request, answer)
            for request, answer in zip(requests, kept, strict=True)
        ]
        return OfferResult(first_answers, _page(news)) if news else OfferResult(first_answers, None, appended)

    def lost(self, position: int, count: int) -> SurveyDamagedError:
        """The error for a number of events lost from the end of the journal, from a position on."""
        return self.damaged(position, lost_end(count))


def _page(answer: object) -> News:
    start, length, entries, noted = cast("tuple[int, int, list[bytes], int]", answer)
    return News(start, length, entries, max(noted - length, 0))


def lost_end(count: int) -> str:
    """The fault of a journal that lost a number of events from its end."""
    return "the last event is lost" if count == 1 else f"the last {count} events are lost"


def damaged_journal(survey_id: str, session_id: str, position: int, fault: str) -> SurveyDamagedError:
    """The error for a damaged event of a survey, or of a session if session_id is not empty."""
    named = f"session {session_id!r} of survey {survey_id!r}" if session_id else f"survey {survey_id!r}"
    kind = "session" if session_id else "survey"
    return SurveyDamagedError(
        f"{named} is damaged at event {position + 1} ({fault}); restore a backup over the survey with "
        "`spotted restore --over-damaged`, save what precedes the damage with `spotted backup "
        f"--up-to-damage`, or delete the {kind}"
    )


def generation(first: bytes) -> str:
    """The generation of a journal with this first entry, computed as the scripts do."""
    return hashlib.sha1(first, usedforsecurity=False).hexdigest()
