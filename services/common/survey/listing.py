"""The lists of the surveys of organisations, which in a cluster another node may hold than the surveys.

No step changes both at once. A creation marks the survey, lists it under this mark, and then creates it if it
still has the mark; so what exists is listed at every instant. What is listed and does not exist, because a
creation or a deletion died, is skipped by readers and withdrawn by the next backup, or when a quota is full.
"""

from __future__ import annotations

import uuid
from typing import cast

from services.common.store import keys
from services.common.store.organisations import enrol, enrolled
from services.common.store.store import Store
from spotted.errors import DamagedError, QuotaError

MARK_TTL_S = 3600
# a creation that began within this time may still be under way
YOUNG_S = 60

# KEYS: journal of the survey, its length, its mark. ARGV: a new mark, seconds to keep it. Returns its mark,
# or nothing if the survey exists.
_MARK = """
if redis.call('EXISTS', KEYS[1], KEYS[2]) > 0 then return false end
local mark = redis.call('GET', KEYS[3]) or ARGV[1]
redis.call('SET', KEYS[3], mark, 'EX', ARGV[2])
return mark
"""
# KEYS: the list. ARGV: survey id, mark, largest number of surveys or 0. Returns 0, or the refused number.
_LIST = """
local most, listed = tonumber(ARGV[3]), redis.call('HLEN', KEYS[1])
if most > 0 and listed >= most and redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return listed + 1 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 0
"""
# Takes the mark from a survey that does not exist, unless it has more than ARGV[1] seconds left. KEYS: as
# above. Returns whether the survey is neither there nor being created.
_UNMARK = """
if redis.call('EXISTS', KEYS[1], KEYS[2]) > 0 or redis.call('TTL', KEYS[3]) > tonumber(ARGV[1]) then
  return 0
end
redis.call('DEL', KEYS[3])
return 1
"""
# Takes a survey from the list, unless it was listed again. KEYS: the list. ARGV: survey id, mark.
_STRIKE = """
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('HDEL', KEYS[1], ARGV[1]) end
"""
_MARK_OF = "return redis.call('HGET', KEYS[1], ARGV[1])"


class Listing:
    """The lists of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._mark = store.script(_MARK)
        self._list = store.script(_LIST)
        self._unmark = store.script(_UNMARK)
        self._strike = store.script(_STRIKE)
        self._mark_of = store.script(_MARK_OF, writes=False)

    def ids(self, organisation: str) -> list[str]:
        """The ids of all surveys of an organisation, sorted; a few may not exist."""
        return self._store.fields(keys.surveys(organisation))

    def existing(self) -> list[str]:
        """The ids of the surveys of all organisations that exist, sorted; withdraws the others.

        A damaged survey exists.
        """
        listed = [survey_id for each in enrolled(self._store) for survey_id in self.ids(each)]
        return sorted(survey_id for survey_id in listed if not self._gone(survey_id))

    def enter(self, survey_id: str, *, most: int = 0) -> str:
        """List a survey that is to be created; returns its mark, "" if it exists.

        most: number of surveys that the organisation may have, 0 for no limit. Raises QuotaError.
        """
        new_mark: list[bytes | str | int] = [uuid.uuid4().hex, MARK_TTL_S]
        mark = cast("bytes | None", self._mark(_of_survey(survey_id), new_mark))
        if mark is None:
            return ""
        organisation = keys.owner(survey_id)
        enrol(self._store, organisation)
        arguments: list[bytes | str | int] = [survey_id, mark, most]
        refused = self._list([keys.surveys(organisation)], arguments)
        if refused:
            for each in self.ids(organisation):
                self.withdraw(each)
            refused = self._list([keys.surveys(organisation)], arguments)
        if refused:
            raise QuotaError(
                f"the organisation would have {refused} surveys, this token allows {most}; delete some, or "
                "ask the operator for a higher limit"
            )
        return mark.decode()

    def withdraw(self, survey_id: str) -> bool:
        """Take a survey from the list that does not exist; False if it exists, or is being created."""
        listed = [keys.surveys(keys.owner(survey_id))]
        mark = self._mark_of(listed, [survey_id])
        if not self._unmark(_of_survey(survey_id), [MARK_TTL_S - YOUNG_S]):
            return False
        if mark is not None:
            self._strike(listed, [survey_id, cast("bytes", mark)])
        return True

    def _gone(self, survey_id: str) -> bool:
        journal = keys.survey_journal(survey_id)
        try:
            if self._store.length(journal) or self._store.get(journal + keys.LENGTH):
                return False
        except DamagedError:
            # its backup fails with the cause
            return False
        self.withdraw(survey_id)
        return True


def _of_survey(survey_id: str) -> list[str]:
    journal = keys.survey_journal(survey_id)
    return [journal, journal + keys.LENGTH, keys.listing(survey_id)]
