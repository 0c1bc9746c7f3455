"""Annotation sessions: created, answered, retracted; every change is an event in the journal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from services.common.rpc import checks
from services.common.store import keys
from services.common.store.cache import Recent
from services.common.store.folded import Folded, Reply
from services.common.store.journal import Change, Journal
from services.common.store.keys import SessionKey
from services.common.store.store import Store
from services.common.survey.existence import Existence
from services.common.telemetry import metrics
from services.sampler.scorer_client import Scorer
from services.sampler.session.defaults import with_defaults
from services.sampler.session.following import Followed, Following
from services.sampler.session.label_outcomes import shorten
from services.sampler.session.labels import answered_pairs, count_labels
from services.sampler.session.leases import lease_fields
from services.sampler.session.session_import import MOST_EVENTS, SessionUpload
from services.sampler.session.state import SessionState
from spotted.errors import AlreadyExistsError, NotFoundError, PreconditionError
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.store_pb2 import StoredSubmission

BUDGET_BYTES = 2 * 1024**3
# a session not used for this long is removed from memory; another replica may have deleted it
IDLE_S = 600.0
# a page ends before it, but has at least one entry
MOST_PAGE_BYTES = 2 << 20

ViewT = TypeVar("ViewT")


class Sessions:
    """All sessions of a store, each folded once per process."""

    def __init__(
        self,
        store: Store,
        scorer: Scorer,
        *,
        now: Callable[[], Timestamp],
        budget_bytes: int = BUDGET_BYTES,
    ) -> None:
        """Begin with no session in memory.

        budget_bytes: approximate memory for sessions; the least recently used ones are dropped first and
            folded from the store again when they are used.
        """
        self._store = store
        self._scorer = scorer
        self._now = now
        self._folded: Recent[SessionKey, Folded[SessionState]] = Recent(
            budget_bytes, lambda folded: folded.peek().size_bytes, idle_s=IDLE_S
        )
        self._existence = Existence(store)
        self._following = Following(store, scorer)

    def create(self, session: pb.Session, request_id: str) -> pb.Session:
        """Create a session.

        Raises AlreadyExistsError, NotFoundError, PreconditionError, InvalidInputError.
        """
        created = with_defaults(session)
        # first, so that the detections counted are those of this generation
        generation = self._existence.generation(session.survey_id)
        _, detections = self._scorer.version(session.survey_id)
        if not detections:
            raise PreconditionError(
                f"survey {session.survey_id!r} has no detections; add detections before creating a session"
            )
        key = (session.survey_id, session.session_id)
        self._existence.create_session(key, generation, self.event(created=created), request_id)
        stored = self.get(*key)
        requested, existing = ((s.strategy, s.seed, s.trust) for s in (created, stored))
        if requested != existing:
            raise AlreadyExistsError(
                f"session {session.session_id!r} of survey {session.survey_id!r} already exists with another "
                "strategy, seed or trust; use another session id, or delete that session first"
            )
        return stored

    def get(self, survey_id: str, session_id: str) -> pb.Session:
        """A session with its output-only fields. Raises NotFoundError."""

        def look(state: SessionState, position: int) -> pb.Session:
            session = pb.Session()
            session.CopyFrom(state.session)
            session.position = position
            return session

        return self.folded(survey_id, session_id).view(look)

    def list_ids(self, survey_id: str) -> list[str]:
        """The session ids of a survey, sorted. Raises NotFoundError for the survey."""
        return self._existence.session_ids(survey_id)

    def existing(self, survey_id: str, session_ids: Sequence[str]) -> list[pb.Session]:
        """The sessions with these ids that still exist."""
        sessions = []
        for session_id in session_ids:
            try:
                sessions.append(self.get(survey_id, session_id))
            except NotFoundError:
                # deleted since the ids were listed
                continue
        return sessions

    def delete(self, survey_id: str, session_id: str, request_id: str) -> None:
        """Delete a session with its journal. A repeated request succeeds again. Raises NotFoundError."""
        if not self._existence.delete_session((survey_id, session_id), request_id):
            raise _missing(survey_id, session_id)
        self._folded.drop((survey_id, session_id))

    def submit(
        self,
        survey_id: str,
        session_id: str,
        given: pb.LabelsGiven,
        request_id: str,
        look: Callable[[SessionState, int], ViewT],
    ) -> tuple[list[pb.LabelOutcome], ViewT]:
        """Store answers and end their leases, in one round trip to the store.

        given: labels without id and time, and bursts of several animals.

        Returns the outcome of each label, in their order, and `look` of the session after them.
        Raises NotFoundError; nothing is stored then.
        """
        ended = lease_fields(survey_id, session_id, answered_pairs(given))

        def decide(state: SessionState, position: int) -> Change:
            stored = self._stored(state, position, given)
            submission = StoredSubmission(label_ids=[label.label_id for label in stored.labels])
            return Change(self.event(labelled=stored), submission.SerializeToString(), ended)

        def answer(reply: Reply, state: SessionState, position: int) -> tuple[list[pb.LabelOutcome], ViewT]:
            label_ids = StoredSubmission.FromString(reply.value).label_ids
            outcomes = shorten([state.label_outcome(label_id) for label_id in label_ids])
            if not reply.repeated:
                count_labels(outcomes)
            return outcomes, look(state, position)

        return self.folded(survey_id, session_id).change_together(
            decide, answer, scope=keys.session_scope("SubmitLabels", session_id), request_id=request_id
        )

    def retract(
        self,
        survey_id: str,
        session_id: str,
        retracted: pb.LabelsRetracted,
        request_id: str,
        look: Callable[[SessionState, int], ViewT],
    ) -> ViewT:
        """Retract labels; returns `look` of the session after that.

        Raises NotFoundError for an unknown or already retracted label.
        """

        def decide(state: SessionState) -> Change:
            unknown = [i for i in retracted.label_ids if i not in state.given]
            if unknown:
                raise NotFoundError(
                    f"session {session_id!r} has no label {unknown[0]!r}, or it was retracted; the session's "
                    "events list all labels"
                )
            return Change(self.event(retracted=retracted), b"")

        return self.folded(survey_id, session_id).change_and_view(
            decide,
            lambda _, state, position: look(state, position),
            scope=keys.session_scope("RetractLabels", session_id),
            request_id=request_id,
        )

    def events(self, survey_id: str, session_id: str) -> list[pb.SessionEvent]:
        """The journal, oldest first. Raises NotFoundError."""
        events: list[pb.SessionEvent] = []
        more = True
        while more:
            page, more = self.events_page(survey_id, session_id, len(events), MOST_EVENTS)
            events += page
        return events

    def events_page(
        self, survey_id: str, session_id: str, start: int, count: int
    ) -> tuple[list[pb.SessionEvent], bool]:
        """Up to `count` events from position `start` (counted from 0), and whether more follow.

        Fewer if they would not fit into a message. Raises NotFoundError, PreconditionError.
        """
        if not start:
            self.follow(survey_id, session_id)
        journal = self.folded(survey_id, session_id).journal
        length = journal.length()
        if not length:
            raise self._forget(survey_id, session_id)
        events: list[pb.SessionEvent] = []
        size = 0
        for position, entry in enumerate(islice(journal.read(start), count), start=start + 1):
            size += len(entry)
            if len(entry) > checks.ANSWER_BYTES:
                raise PreconditionError(
                    f"event {position} is larger than a message; back up the survey instead"
                )
            if events and size > MOST_PAGE_BYTES:
                break
            event = pb.SessionEvent.FromString(entry)
            event.position = position
            events.append(event)
        return events, start + len(events) < length

    def begin_import(self, survey_id: str, session_id: str) -> SessionUpload:
        """Begin to import a journal as this session. Raises NotFoundError for the survey."""
        generation = self._existence.generation(survey_id)
        detections = self._scorer.facts(survey_id).detections
        return SessionUpload(self._store, (survey_id, session_id), generation, detections)

    def follow(self, survey_id: str, session_id: str) -> Followed:
        """Take detections that left the survey, or have another image, out of a session.

        Raises NotFoundError.
        """
        folded = self.folded(survey_id, session_id)
        return self._following.follow((survey_id, session_id), folded, lambda left: self.event(left=left))

    def folded(self, survey_id: str, session_id: str) -> Folded[SessionState]:
        """The in-memory state of a session."""
        key = (survey_id, session_id)

        def make() -> Folded[SessionState]:
            journal = Journal(self._store, keys.session_journal(*key), survey_id)
            return Folded(journal, SessionState, lambda: self._forget(*key))

        folded = self._folded.get(key, make)
        metrics.SESSIONS_OPEN.set(self._folded.state()[0])
        return folded

    def event(
        self,
        *,
        created: pb.Session | None = None,
        planned: pb.PlannedRound | None = None,
        labelled: pb.LabelsGiven | None = None,
        retracted: pb.LabelsRetracted | None = None,
        audit: pb.AuditDrawn | None = None,
        left: pb.DetectionsLeft | None = None,
    ) -> bytes:
        """A journal entry for an event that happens now."""
        event = pb.SessionEvent(
            create_time=self._now(),
            created=created,
            planned=planned,
            labelled=labelled,
            retracted=retracted,
            audit=audit,
            left=left,
        )
        return event.SerializeToString()

    def _forget(self, survey_id: str, session_id: str) -> NotFoundError:
        """Drop a session that does not exist, so that unknown ids take no memory; returns the error."""
        self._folded.drop((survey_id, session_id))
        return _missing(survey_id, session_id)

    def _stored(self, state: SessionState, position: int, given: pb.LabelsGiven) -> pb.LabelsGiven:
        """The answers with the ids and times to store. Raises NotFoundError for an unknown detection."""
        stored = pb.LabelsGiven()
        stored.CopyFrom(given)
        now = self._now()
        for number, label in enumerate(stored.labels, start=1):
            state.pair(label)
            label.label_id = f"{position + 1}-{number}"
            label.create_time.CopyFrom(now)
        for burst in stored.mixed_bursts:
            state.require(burst.detection_ids)
        return stored


def _missing(survey_id: str, session_id: str) -> NotFoundError:
    return NotFoundError(
        f"session {session_id!r} of survey {survey_id!r} does not exist; create the session first"
    )
