"""Leases: which pairs are being answered by which annotator. They expire in the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from services.common.store import keys
from services.common.store.journal import ANSWERED, Fields
from services.common.store.keys import SessionKey
from services.common.store.store import Store

# A lease is a field `<first>\0<second>` of a hash with the value `<end in ms>\0<annotator>`, by the store's
# own clock. Expired leases, and damaged ones, are removed whenever the hash is read.
_LIVE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local live = {}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local ends = tonumber(string.match(all[i + 1], '^(%d+)%z[^%z]*$') or '')
  if not ends or ends <= now or not string.find(all[i], '^[^%z]*%z[^%z]*$') then
    redis.call('HDEL', KEYS[1], all[i])
  else
    live[all[i]] = all[i + 1]
  end
end
"""
_LIST = (
    _LIVE
    + """
local listed = {}
for pair, lease in pairs(live) do
  listed[#listed + 1] = pair
  listed[#listed + 1] = lease
end
return listed
"""
)
# Nothing if KEYS[2], the journal of the session, is no longer of the generation ARGV[3].
_ACQUIRE = (
    ANSWERED
    + "if digest(KEYS[2]) ~= ARGV[3] then return {} end"
    + _LIVE
    + """
local acquired = {}
local lease = string.format('%d', now + tonumber(ARGV[2])) .. '\\0' .. ARGV[1]
for i = 4, #ARGV do
  local held = live[ARGV[i]]
  if not held or string.match(held, '%z(.*)$') == ARGV[1] then
    redis.call('HSET', KEYS[1], ARGV[i], lease)
    acquired[#acquired + 1] = ARGV[i]
    acquired[#acquired + 1] = lease
  end
end
return acquired
"""
)

_RELEASE = (
    _LIVE
    + """
local released = 0
for pair, lease in pairs(live) do
  if string.match(lease, '%z(.*)$') == ARGV[1] then
    released = released + redis.call('HDEL', KEYS[1], pair)
  end
end
return released
"""
)

IdPair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Lease:
    """A pair that is reserved for one annotator."""

    pair: IdPair
    """Detection ids, the smaller first."""
    annotator_id: str
    ends_s: float
    """When the lease expires, UTC seconds since 1970."""


class Leases:
    """The leases of all sessions of a store."""

    def __init__(self, store: Store) -> None:
        self._list = store.script(_LIST)
        self._acquire = store.script(_ACQUIRE)
        self._release = store.script(_RELEASE)

    def live(self, survey_id: str, session_id: str) -> list[Lease]:
        """The leases that have not expired, ordered by pair."""
        answer = self._list([keys.leases(survey_id, session_id)], [])
        return sorted(_leases(cast("list[bytes]", answer)), key=lambda lease: lease.pair)

    def acquire(
        self, key: SessionKey, generation: str, annotator_id: str, pairs: Sequence[IdPair], duration_s: float
    ) -> list[Lease]:
        """Lease the pairs that no other annotator holds; the annotator's own leases are extended.

        generation: the session's; none is leased in one that was created since under its id.
        """
        if not pairs:
            return []
        arguments: list[str | int] = [annotator_id, int(duration_s * 1000), generation, *_fields(pairs)]
        answer = self._acquire([keys.leases(*key), keys.session_journal(*key)], arguments)
        return _leases(cast("list[bytes]", answer))

    def release(self, survey_id: str, session_id: str, annotator_id: str) -> int:
        """End the leases of an annotator; returns how many there were."""
        return int(cast("int", self._release([keys.leases(survey_id, session_id)], [annotator_id])))


def lease_fields(survey_id: str, session_id: str, pairs: Sequence[IdPair]) -> Fields:
    """The leases of answered pairs, to be ended by the change that stores the answers."""
    return Fields(keys.leases(survey_id, session_id), _fields(pairs))


def _fields(pairs: Sequence[IdPair]) -> list[str]:
    return ["\0".join(pair) for pair in pairs]


def _leases(flat: Sequence[bytes]) -> list[Lease]:
    leases = []
    for field, value in zip(flat[::2], flat[1::2], strict=True):
        # a damaged text is no id that anybody has
        first, second = field.decode(errors="replace").split("\0")
        ends_ms, annotator_id = value.decode(errors="replace").split("\0")
        leases.append(Lease((first, second), annotator_id, int(ends_ms) / 1000))
    return leases
