"""Which surveys and sessions exist; each creation and deletion is one atomic step in the store.

In the store, at every instant:
- a survey is in its organisation's list exactly if its journal exists;
- a session is in its survey's list exactly if its journal exists, and only while the survey exists;
- leases and kept answers belong to one generation of a journal, which is the digest of its first entry.
So a survey that is created again under an id inherits nothing from the one deleted before.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import cast

from services.common.store import keys
from services.common.store.journal import ANSWERED
from services.common.store.keys import SessionKey
from services.common.store.request_content import first_answer, keep
from services.common.store.store import Store
from spotted.errors import NotFoundError, QuotaError

DELETE_SURVEY, DELETE_SESSION = "DeleteSurvey", "DeleteSession"

# KEYS: journal, list of the organisation, request. ARGV: entry, answer, survey id, largest number of surveys
# or 0, seconds to keep the answer. Returns the answer, 0 if the survey exists, or the refused number of them.
_CREATE_SURVEY = (
    ANSWERED
    + """
local begins = digest(KEYS[1])
local first = answered(KEYS[3], begins)
if first then return first end
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local most, listed = tonumber(ARGV[4]), redis.call('SCARD', KEYS[2])
if most > 0 and listed >= most then return listed + 1 end
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('SADD', KEYS[2], ARGV[3])
redis.call('SET', KEYS[3], digest(KEYS[1]) .. ARGV[2], 'EX', ARGV[5])
return ARGV[2]
"""
)
# A repeat of the request deletes nothing, also if the survey was created again. KEYS: request, journal, list
# of the organisation, list of the sessions, other keys to delete. ARGV: survey id, answer, seconds to keep
# it, prefix and endings of the keys of a session. Returns the answer, or 0 if there is no survey.
_DELETE_SURVEY = """
local kept = redis.call('GET', KEYS[1])
if kept then return kept end
if redis.call('UNLINK', KEYS[2]) == 0 then return 0 end
redis.call('SREM', KEYS[3], ARGV[1])
for _, session in ipairs(redis.call('SMEMBERS', KEYS[4])) do
  for i = 5, #ARGV do redis.call('UNLINK', ARGV[4] .. session .. ARGV[i]) end
end
for i = 4, #KEYS do redis.call('UNLINK', KEYS[i]) end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return ARGV[2]
"""
# KEYS: the survey's journal, the session's journal, list of sessions, request. ARGV: generation of the
# survey, entry, answer, session id, seconds to keep the answer. Returns the answer, 1 if the session exists,
# 0 if the survey's generation is another.
_CREATE_SESSION = (
    ANSWERED
    + """
if digest(KEYS[1]) ~= ARGV[1] then return 0 end
local first = answered(KEYS[4], digest(KEYS[2]))
if first then return first end
if redis.call('EXISTS', KEYS[2]) == 1 then return 1 end
redis.call('RPUSH', KEYS[2], ARGV[2])
redis.call('SADD', KEYS[3], ARGV[4])
redis.call('SET', KEYS[4], digest(KEYS[2]) .. ARGV[3], 'EX', ARGV[5])
return ARGV[3]
"""
)
# Makes an upload the journal of a session. KEYS: the survey's journal, upload, the session's journal, list of
# sessions. ARGV: generation of the survey, length of the upload, session id. Returns 1; 0 if the session has
# a journal, which may be this upload; -1 if the store lost the upload; -2 if the survey's generation is
# another.
_OPEN_SESSION = (
    ANSWERED
    + """
if digest(KEYS[1]) ~= ARGV[1] then return -2 end
if redis.call('EXISTS', KEYS[3]) == 1 then return 0 end
if redis.call('LLEN', KEYS[2]) ~= tonumber(ARGV[2]) then return -1 end
redis.call('RENAME', KEYS[2], KEYS[3])
redis.call('PERSIST', KEYS[3])
redis.call('SADD', KEYS[4], ARGV[3])
return 1
"""
)
# A repeat of the request deletes nothing while the survey has the same generation. KEYS: the survey's
# journal, request, the session's journal, its leases, list of sessions. ARGV: session id, answer, seconds to
# keep it. Returns the answer, or 0 if there is no session.
_DELETE_SESSION = (
    ANSWERED
    + """
local begins = digest(KEYS[1])
local first = answered(KEYS[2], begins)
if first then return first end
if redis.call('DEL', KEYS[3]) == 0 then return 0 end
redis.call('DEL', KEYS[4])
redis.call('SREM', KEYS[5], ARGV[1])
redis.call('SET', KEYS[2], begins .. ARGV[2], 'EX', ARGV[3])
return ARGV[2]
"""
)
# Makes all uploads of a restore the journals of a survey, or nothing if the survey exists. KEYS: list of the
# organisation, list of sessions, the uploads, the journals, the survey's own first; ARGV: survey id, the
# lengths of the uploads, the ids of the sessions. Returns 1; 0 if the survey exists; -1 if an upload is lost.
_OPEN_SURVEY = """
local journals = (#KEYS - 2) / 2
if redis.call('EXISTS', KEYS[3 + journals]) == 1 then return 0 end
for i = 1, journals do
  if redis.call('LLEN', KEYS[2 + i]) ~= tonumber(ARGV[1 + i]) then return -1 end
end
for i = 1, journals do
  redis.call('RENAME', KEYS[2 + i], KEYS[2 + journals + i])
  redis.call('PERSIST', KEYS[2 + journals + i])
  if i > 1 then redis.call('SADD', KEYS[2], ARGV[journals + i]) end
end
redis.call('SADD', KEYS[1], ARGV[1])
return 1
"""
# KEYS: the survey's journal, list of sessions. Returns whether the survey exists, and the ids.
_SESSIONS = "return {redis.call('EXISTS', KEYS[1]), redis.call('SMEMBERS', KEYS[2])}"
# KEYS: a journal. Returns its generation; nothing if there is none.
_GENERATION = f"{ANSWERED} return redis.call('EXISTS', KEYS[1]) == 1 and digest(KEYS[1])"


class UploadLostError(Exception):
    """The store no longer has a whole upload."""


class Existence:
    """The surveys and sessions of a store: created and deleted, each in one step."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._create_survey = store.script(_CREATE_SURVEY)
        self._delete_survey = store.script(_DELETE_SURVEY)
        self._create_session = store.script(_CREATE_SESSION)
        self._open_session = store.script(_OPEN_SESSION)
        self._delete_session = store.script(_DELETE_SESSION)
        self._open_survey = store.script(_OPEN_SURVEY)
        self._sessions = store.script(_SESSIONS, writes=False)
        self._generation = store.script(_GENERATION, writes=False)

    def generation(self, survey_id: str) -> str:
        """The generation of a survey, unlike that of earlier ones with its id. Raises NotFoundError."""
        found = self._generation([keys.survey_journal(survey_id)], [])
        if not found:
            raise missing_survey(survey_id)
        return cast("bytes", found).decode()

    def session_ids(self, survey_id: str) -> list[str]:
        """The session ids of a survey, sorted. Raises NotFoundError for the survey."""
        answer = self._sessions([keys.survey_journal(survey_id), keys.sessions(survey_id)], [])
        exists, ids = cast("tuple[int, list[bytes]]", answer)
        if not exists:
            raise missing_survey(survey_id)
        return sorted(session_id.decode() for session_id in ids)

    def create_survey(
        self, survey_id: str, entry: bytes, answer: bytes, request_id: str, *, most: int = 0
    ) -> bytes | None:
        """Create a survey with its first event; returns the answer, or None if the survey exists.

        answer: kept with the request id; a repeat returns it. most: number of surveys that the organisation
        may have, 0 for no limit. Raises QuotaError, RequestIdReusedError.
        """
        touched = [
            keys.survey_journal(survey_id),
            keys.surveys(keys.owner(survey_id)),
            keys.request(survey_id, "CreateSurvey", request_id or uuid.uuid4().hex),
        ]
        arguments = (entry, keep(answer), survey_id, most, keys.REQUEST_TTL_S)
        created = self._create_survey(touched, arguments)
        if isinstance(created, bytes):
            return first_answer(created, request_id)
        if created:
            raise QuotaError(
                f"the organisation would have {created} surveys, this token allows {most}; delete some, or "
                "ask the operator for a higher limit"
            )
        return None

    def delete_survey(self, survey_id: str, request_id: str) -> None:
        """Delete a survey with everything in it. A repeat does nothing.

        Raises NotFoundError, RequestIdReusedError.
        """
        prefix, own = keys.of_survey(survey_id), keys.request(survey_id, DELETE_SURVEY, "")
        named = [name.removeprefix(prefix) for name in self._store.names(prefix)]
        # what is kept here of the journals' answers is of no use to a survey created meanwhile; a restore
        # that is under way keeps its uploads
        others = [f"{prefix}{n}" for n in named if n.startswith(("request:", "session:"))]
        session, _, journal = keys.session_journal(survey_id, "\0").partition("\0")
        _, _, leases = keys.leases(survey_id, "\0").partition("\0")
        touched = [
            keys.request(survey_id, DELETE_SURVEY, request_id or uuid.uuid4().hex),
            keys.survey_journal(survey_id),
            keys.surveys(keys.owner(survey_id)),
            keys.sessions(survey_id),
            *(name for name in others if not name.startswith(own)),
        ]
        arguments = (survey_id, keep(b""), keys.REQUEST_TTL_S, session, journal, leases)
        deleted = self._delete_survey(touched, arguments)
        if not isinstance(deleted, bytes):
            raise missing_survey(survey_id)
        first_answer(deleted, request_id)

    def create_session(
        self, key: SessionKey, generation: str, entry: bytes, answer: bytes, request_id: str
    ) -> bytes | None:
        """Create a session with its first event; returns the answer, or None if the session exists.

        generation: the survey's. answer: kept with the request id; a repeat returns it.
        Raises NotFoundError if the survey was deleted since, RequestIdReusedError.
        """
        survey_id, session_id = key
        scope = keys.session_scope("CreateSession", session_id)
        touched = [
            keys.survey_journal(survey_id),
            keys.session_journal(*key),
            keys.sessions(survey_id),
            keys.request(survey_id, scope, request_id or uuid.uuid4().hex),
        ]
        arguments = (generation, entry, keep(answer), session_id, keys.REQUEST_TTL_S)
        created = self._create_session(touched, arguments)
        if isinstance(created, bytes):
            return first_answer(created, request_id)
        if not created:
            raise missing_survey(survey_id)
        return None

    def open_session(self, key: SessionKey, generation: str, upload: str, length: int) -> bool:
        """Make an upload of this length the journal of a session; False if the session exists.

        generation: the survey's. Raises NotFoundError if the survey was deleted since, UploadLostError.
        """
        survey_id, session_id = key
        touched = [
            keys.survey_journal(survey_id),
            upload,
            keys.session_journal(*key),
            keys.sessions(survey_id),
        ]
        opened = self._open_session(touched, [generation, length, session_id])
        if opened == -2:  # noqa: PLR2004 - as the script returns it
            raise missing_survey(survey_id)
        if opened == -1:
            raise UploadLostError(upload)
        return bool(opened)

    def delete_session(self, key: SessionKey, request_id: str) -> bool:
        """Delete a session with its journal; False if it does not exist. A repeat is True again.

        Raises RequestIdReusedError.
        """
        survey_id, session_id = key
        scope = keys.session_scope(DELETE_SESSION, session_id)
        touched = [
            keys.survey_journal(survey_id),
            keys.request(survey_id, scope, request_id or uuid.uuid4().hex),
            keys.session_journal(*key),
            keys.leases(*key),
            keys.sessions(survey_id),
        ]
        deleted = self._delete_session(touched, [session_id, keep(b""), keys.REQUEST_TTL_S])
        if isinstance(deleted, bytes):
            first_answer(deleted, request_id)
        return bool(deleted)

    def open_survey(self, survey_id: str, uploads: Sequence[tuple[str, str, int]]) -> bool:
        """Make uploads the journals of a survey, all or none; False if the survey exists.

        uploads: session id ("" for the survey's own, which comes first), key and length of each.
        Raises UploadLostError.
        """
        touched = [
            keys.surveys(keys.owner(survey_id)),
            keys.sessions(survey_id),
            *(upload for _, upload, _ in uploads),
            *(keys.journal(survey_id, session_id) for session_id, _, _ in uploads),
        ]
        lengths, sessions = [length for *_, length in uploads], [each[0] for each in uploads[1:]]
        opened = self._open_survey(touched, [survey_id, *lengths, *sessions])
        if opened == -1:
            raise UploadLostError(survey_id)
        return bool(opened)


def missing_survey(survey_id: str) -> NotFoundError:
    """The error for a survey that does not exist."""
    return NotFoundError(
        f"survey {survey_id!r} does not exist; create the survey first, e.g. with `spotted import`"
    )
