"""Surveys and sessions as journals: lists of events in the store, appended to at a known position."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from services.common.store import keys
from services.common.store.store import Store

# entries are near 1 MiB at most, so a page stays far below what a connection buffers with ease
PAGE_ENTRIES = 64

# of an entry, the bytes at either end by which it is told from another
MARK_BYTES = 256

# What a reader who folded ARGV[1] entries, the first of them ARGV[2] and the last marked ARGV[3], has yet to
# read: from where, up to which length, and a page of entries. A journal that is shorter, or begins otherwise,
# was deleted and made anew; one with another entry at the reader's end lost entries with a store that failed
# over or was restored, none of them acknowledged. Both are read from the beginning.
_NEWS = f"""
local folded = tonumber(ARGV[1])
local length = redis.call('LLEN', KEYS[1])
local start = folded
local function other_end()
  local last = redis.call('LINDEX', KEYS[1], folded - 1)
  local begins, ends = string.sub(last, 1, {MARK_BYTES}), string.sub(last, -{MARK_BYTES})
  return redis.sha1hex(#last .. begins .. ends) ~= ARGV[3]
end
if folded > length or (ARGV[2] ~= '' and redis.call('LINDEX', KEYS[1], 0) ~= ARGV[2]) then start = 0 end
if start > 0 and ARGV[3] ~= '' and other_end() then start = 0 end
local function news()
  return {{start, length, redis.call('LRANGE', KEYS[1], start, start + {PAGE_ENTRIES - 1})}}
end
"""
_READ = f"{_NEWS} return news()"
# An answer is kept behind a digest of the journal's first entry: one that was given before the journal was
# deleted and made anew is none.
_ANSWERED = """
local function digest()
  return redis.sha1hex(redis.call('LINDEX', KEYS[1], 0) or '')
end
local function answered(request, begins)
  local kept = redis.call('GET', request)
  return kept and string.sub(kept, 1, 40) == begins and string.sub(kept, 41)
end
"""
_LOOK_UP = f"{_ANSWERED} return answered(KEYS[2], digest())"
# All of some changes or none: KEYS holds of each its request and a hash, ARGV its entry, its answer, how many
# fields of the hash end, and these. Where a request was answered before, or its writer has not read all,
# nothing is written; what was answered and what is missing come back.
_APPEND = (
    _NEWS
    + _ANSWERED
    + """
local answers, known, begins = {}, false, digest()
for i = 2, #KEYS, 2 do
  local answer = answered(KEYS[i], begins)
  answers[#answers + 1] = answer
  known = known or answer
end
if known or start ~= folded or folded ~= length then return {answers, news()} end
local at = 5
for i = 2, #KEYS, 2 do
  local fields = tonumber(ARGV[at + 2])
  if ARGV[at] ~= '' then redis.call('RPUSH', KEYS[1], ARGV[at]) end
  if length == 0 then begins = digest() end
  redis.call('SET', KEYS[i], begins .. ARGV[at + 1], 'EX', ARGV[4])
  if fields > 0 then redis.call('HDEL', KEYS[i + 1], unpack(ARGV, at + 3, at + 2 + fields)) end
  at = at + 3 + fields
end
return {answers, false}
"""
)


@dataclass(frozen=True, slots=True)
class Fields:
    """Fields of a hash in the store."""

    key: str
    fields: Sequence[str]


@dataclass(frozen=True, slots=True)
class Change:
    """An event to append, and the answer that the caller gets once it is on disk.

    entry: the serialised event; empty where nothing changes and only the answer is kept.
    ends: fields that leave their hash in the same step; of the same survey as the journal.
    """

    entry: bytes
    answer: bytes
    ends: Fields | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A change as a request makes it; `scope` is the rpc and its session, which request ids cannot cross."""

    change: Change
    scope: str
    request_id: str


@dataclass(frozen=True, slots=True)
class News:
    """A page of what a reader has yet to take in: entries from position `start` on, of `length` in all."""

    start: int
    length: int
    entries: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of some offers: all were appended, or none and there is news.

    answers: of each, the first answer to its request, None where it was not answered before.
    """

    answers: Sequence[bytes | None]
    news: News | None


class Journal:
    """A list of events in the store."""

    def __init__(self, store: Store, key: str, survey_id: str) -> None:
        self._store = store
        self.key = key
        self._survey_id = survey_id
        self._news = store.script(_READ, writes=False)
        self._append = store.script(_APPEND)
        # what it finds is acknowledged, so it waits for the disk like a write
        self._look_up = store.script(_LOOK_UP)

    def length(self) -> int:
        """Number of events."""
        return self._store.length(self.key)

    def read(self, start: int) -> Iterator[bytes]:
        """The events from position `start` (counted from 0) on."""
        while entries := self._store.slice(self.key, start, start + PAGE_ENTRIES - 1):
            yield from entries
            start += len(entries)

    def news(self, folded: int, first: bytes, last: bytes = b"") -> News:
        """What one who has `folded` events, from `first` to `last`, has yet to read; one round trip.

        first, last: b"" where they are not to be compared.
        """
        told = self._news([self.key], [folded, first, _mark(last)])
        start, length, entries = cast("tuple[int, int, list[bytes]]", told)
        return News(start, length, entries)

    def answered(self, scope: str, request_id: str) -> bytes | None:
        """The first answer to a request id, or None."""
        request = keys.request(self._survey_id, scope, request_id)
        return cast("bytes | None", self._look_up([self.key, request], []))

    def append(self, change: Change, *, expected: int, scope: str, request_id: str) -> bytes | None:
        """Append at position `expected`; the answer, or None where another writer was first.

        A request id that was answered before returns its first answer and appends nothing.
        """
        outcome = self.offer([Offer(change, scope, request_id)], folded=expected, first=b"")
        return outcome.answers[0] if outcome.news else change.answer

    def offer(self, offers: Sequence[Offer], *, folded: int, first: bytes, last: bytes = b"") -> Outcome:
        """Append as one who has `folded` events, from `first` to `last`; one round trip.

        first, last: b"" where they are not to be compared.
        Nothing is appended where a request was answered before, or the journal is longer or another by now.
        """
        touched = [self.key]
        arguments: list[bytes | str | int] = [folded, first, _mark(last), keys.REQUEST_TTL_S]
        for offer in offers:
            ends = offer.change.ends or Fields(self.key, ())
            touched += [keys.request(self._survey_id, offer.scope, offer.request_id), ends.key]
            arguments += [offer.change.entry, offer.change.answer, len(ends.fields), *ends.fields]
        told = self._append(touched, arguments)
        answers, news = cast("tuple[list[bytes | None], tuple[int, int, list[bytes]] | None]", told)
        return Outcome(answers, News(*news) if news else None)


def _mark(entry: bytes) -> str:
    """What tells an entry from another, as the store computes it too; "" for none."""
    marked = b"%d%b%b" % (len(entry), entry[:MARK_BYTES], entry[-MARK_BYTES:])
    return hashlib.sha1(marked, usedforsecurity=False).hexdigest() if entry else ""
