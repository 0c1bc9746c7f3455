"""Which surveys and sessions exist; each comes and goes whole, in one atomic step in the store.

In the store, at every instant:
- a survey whose journal exists is in its organisation's list (`listing`);
- a session is in its survey's list exactly if its journal exists, and only while the survey exists;
- a journal whose entries were lost still exists by its length, is listed, and can be deleted;
- leases and kept answers belong to one generation of a journal, which is the digest of its first entry.
So a survey that is created again under an id inherits nothing from the one deleted before.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import cast

from services.common.store import keys
from services.common.store.journal import damaged_journal
from services.common.store.keys import SessionKey
from services.common.store.request_content import first_answer, keep
from services.common.store.seal import entry_place, sealed
from services.common.store.store import Store
from services.common.survey import existence_scripts as scripts
from services.common.survey.listing import Listing
from spotted.errors import ConcurrencyError, NotFoundError

DELETE_SURVEY, DELETE_SESSION = "DeleteSurvey", "DeleteSession"
# at a survey that others create and delete meanwhile
ATTEMPTS = 50


class UploadLostError(Exception):
    """The store no longer has a whole upload."""


class Existence:
    """The surveys and sessions of a store: created and deleted, each in one step."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.listing = Listing(store)
        """The lists of the surveys."""
        self._create_survey = store.script(scripts.CREATE_SURVEY)
        self._listed_sessions = store.script(scripts.LISTED_SESSIONS, writes=False)
        self._delete_survey = store.script(scripts.DELETE_SURVEY)
        self._create_session = store.script(scripts.CREATE_SESSION)
        self._open_session = store.script(scripts.OPEN_SESSION)
        self._delete_session = store.script(scripts.DELETE_SESSION)
        self._open_survey = store.script(scripts.OPEN_SURVEY)
        self._sessions = store.script(scripts.SESSIONS, writes=False)
        self._generation = store.script(scripts.GENERATION, writes=False)

    def generation(self, survey_id: str) -> str:
        """The generation of a survey, unlike that of earlier ones with its id.

        Raises NotFoundError, SurveyDamagedError if all its entries are lost.
        """
        journal = keys.survey_journal(survey_id)
        found = self._generation([journal, journal + keys.LENGTH], [])
        if not found:
            raise missing_survey(survey_id)
        if found == 1:
            raise damaged_journal(survey_id, "", 0, "all events are lost")
        return cast("bytes", found).decode()

    def session_ids(self, survey_id: str) -> list[str]:
        """The session ids of a survey, sorted. Raises NotFoundError for the survey."""
        journal = keys.survey_journal(survey_id)
        answer = self._sessions([journal, journal + keys.LENGTH, keys.sessions(survey_id)], [])
        exists, ids = cast("tuple[int, list[bytes]]", answer)
        if not exists:
            raise missing_survey(survey_id)
        return sorted(session_id.decode(errors="backslashreplace") for session_id in ids)

    def create_survey(
        self, survey_id: str, entry: bytes, answer: bytes, request_id: str, *, most: int = 0
    ) -> bytes | None:
        """Create a survey with its first event; returns the answer, or None if the survey exists.

        answer: kept with the request id; a repeat returns it. most: number of surveys that the organisation
        may have, 0 for no limit. Raises QuotaError, RequestIdReusedError, ConcurrencyError.
        """
        journal = keys.survey_journal(survey_id)
        request = keys.request(survey_id, "CreateSurvey", request_id or uuid.uuid4().hex)
        first, kept = sealed(entry_place(journal, 0), entry), keep(request, answer)
        touched, mark = [journal, journal + keys.LENGTH, keys.listing(survey_id), request], ""
        for _ in range(ATTEMPTS):
            created = self._create_survey(touched, [mark, first, kept, keys.REQUEST_TTL_S])
            if isinstance(created, bytes):
                return first_answer(request, created, request_id)
            if not created:
                return None
            mark = self.listing.enter(survey_id, most=most)
        raise _crowded(survey_id)

    def delete_survey(self, survey_id: str, request_id: str) -> None:
        """Delete a survey with everything in it. A repeat does nothing.

        Raises NotFoundError, RequestIdReusedError, ConcurrencyError.
        """
        request = keys.request(survey_id, DELETE_SURVEY, request_id or uuid.uuid4().hex)
        for _ in range(ATTEMPTS):
            session_ids = cast("list[bytes]", self._listed_sessions([keys.sessions(survey_id)], []))
            touched = [request, *_all_keys(survey_id, session_ids)]
            deleted = self._delete_survey(touched, [keep(request, b""), keys.REQUEST_TTL_S, *session_ids])
            if deleted != 1:
                break
        else:
            raise _crowded(survey_id)
        # an earlier call may have died before it
        self.listing.withdraw(survey_id)
        if not isinstance(deleted, bytes):
            raise missing_survey(survey_id)
        first_answer(request, deleted, request_id)

    def create_session(
        self, key: SessionKey, generation: str, entry: bytes, answer: bytes, request_id: str
    ) -> bytes | None:
        """Create a session with its first event; returns the answer, or None if the session exists.

        generation: the survey's. answer: kept with the request id; a repeat returns it.
        Raises NotFoundError if the survey was deleted since, RequestIdReusedError.
        """
        survey_id, session_id = key
        scope = keys.session_scope("CreateSession", session_id)
        request = keys.request(survey_id, scope, request_id or uuid.uuid4().hex)
        journal = keys.session_journal(*key)
        first = sealed(entry_place(journal, 0), entry)
        touched = [
            keys.survey_journal(survey_id),
            journal,
            journal + keys.LENGTH,
            keys.sessions(survey_id),
            request,
        ]
        arguments = (generation, first, keep(request, answer), session_id, keys.REQUEST_TTL_S)
        created = self._create_session(touched, arguments)
        if isinstance(created, bytes):
            return first_answer(request, created, request_id)
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
            keys.session_journal(*key) + keys.LENGTH,
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
        request = keys.request(survey_id, scope, request_id or uuid.uuid4().hex)
        touched = [
            keys.survey_journal(survey_id),
            request,
            keys.session_journal(*key),
            keys.session_journal(*key) + keys.LENGTH,
            keys.leases(*key),
            keys.sessions(survey_id),
        ]
        deleted = self._delete_session(touched, [session_id, keep(request, b""), keys.REQUEST_TTL_S])
        if isinstance(deleted, bytes):
            first_answer(request, deleted, request_id)
        return bool(deleted)

    def open_survey(
        self, survey_id: str, uploads: Sequence[tuple[str, str, int]], parts: tuple[str, int] | None = None
    ) -> bool:
        """Make uploads the journals of a survey, all or none; False if the survey exists.

        uploads: session id ("" for the survey's own, which comes first), key and length of each.
        parts: key and number of the uploaded local features, None for none. Raises UploadLostError.
        """
        uploaded, count = parts or (keys.restored_parts(survey_id, ""), 0)
        touched = [keys.listing(survey_id), keys.sessions(survey_id), uploaded, keys.local_parts(survey_id)]
        for session_id, upload, _ in uploads:
            journal = keys.journal(survey_id, session_id)
            touched += [upload, journal, journal + keys.LENGTH]
        lengths, sessions = [length for *_, length in uploads], [each[0] for each in uploads[1:]]
        mark = ""
        for _ in range(ATTEMPTS):
            opened = self._open_survey(touched, [mark, count, *lengths, *sessions])
            if opened == -1:
                raise UploadLostError(survey_id)
            if opened != -2:  # noqa: PLR2004 - as the script returns it
                return bool(opened)
            mark = self.listing.enter(survey_id)
        raise _crowded(survey_id)


def _all_keys(survey_id: str, session_ids: Sequence[bytes]) -> Iterator[str | bytes]:
    """The keys of a survey: the list of its sessions first, its journal and length, and all others.

    Uploads, marks of operations and kept answers expire by themselves, and belong to one generation.
    """
    journal = keys.survey_journal(survey_id)
    yield from (keys.sessions(survey_id), journal, journal + keys.LENGTH)
    yield from (keys.local_parts(survey_id), keys.listing(survey_id), keys.moved(survey_id))
    session = keys.session_journal(survey_id, "\0")
    for key in (session, session + keys.LENGTH, keys.leases(survey_id, "\0")):
        # other programs may have listed what is no text
        yield from (key.encode().replace(b"\0", session_id) for session_id in session_ids)


def _crowded(survey_id: str) -> ConcurrencyError:
    return ConcurrencyError(
        f"survey {survey_id!r} was created, deleted or given sessions during each of {ATTEMPTS} attempts; "
        "repeat the call"
    )


def missing_detection(survey_id: str, detection_id: str) -> NotFoundError:
    """The error for a detection that a survey does not have."""
    return NotFoundError(
        f"detection {detection_id!r} is not in survey {survey_id!r}; correct its id, or store it first, e.g. "
        f"with `spotted embed {survey_id}`"
    )


def missing_survey(survey_id: str) -> NotFoundError:
    """The error for a survey that does not exist."""
    return NotFoundError(
        f"survey {survey_id!r} does not exist; create the survey first, e.g. with `spotted import`"
    )
