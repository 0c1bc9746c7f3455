"""Annotation sessions: created, answered, retracted; every change is an event in the journal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar, Unpack

from google.protobuf.timestamp_pb2 import Timestamp

from services.common.access.caller import current_caller
from services.common.store import keys
from services.common.store.cache import Recent
from services.common.store.folded import Folded, Reply
from services.common.store.journal import Change, Journal
from services.common.store.keys import SessionKey
from services.common.store.store import Store
from services.common.survey.existence import Existence
from services.common.telemetry import metrics
from services.sampler.catalogue.access import require_access
from services.sampler.catalogue.drawing import Drawing
from services.sampler.catalogue.members import CatalogueSource
from services.sampler.facts.roster import NotInSessionError
from services.sampler.facts.survey_read import uses_names
from services.sampler.labels.label_outcomes import shorten
from services.sampler.session.catalogue_following import CatalogueFollowing
from services.sampler.session.defaults import require_equal, with_defaults
from services.sampler.session.event_pages import EventKind, EventPage, read_page
from services.sampler.session.following import Following
from services.sampler.session.label_checks import require_retractable, stored_labels
from services.sampler.session.labels import answered_pairs, count_labels
from services.sampler.session.leases import lease_fields
from services.sampler.session.reading import add_detections, read_names
from services.sampler.session.session_import import MOST_EVENTS, SessionUpload
from services.sampler.session.state import SessionState
from services.sampler.survey_values import Scorer
from spotted.errors import DamagedError, NotFoundError, PermissionDeniedError, PreconditionError
from spotted.event_parts import Joining
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.session_facts_pb2 import SurveyRead
from spotted.v1.store_pb2 import StoredSubmission

BUDGET_BYTES = 2 * 1024**3
# a session not used for this long is removed from memory; another replica may have deleted it
IDLE_S = 600.0

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
        catalogue: CatalogueSource | None = None,
    ) -> None:
        """Begin with no session in memory.

        budget_bytes: approximate memory for sessions; the least recently used ones are dropped first and
            folded from the store again when they are used.
        catalogue: the source of members in other surveys; None if no session draws on them.
        """
        self.scorer = scorer
        """The source of the detections."""
        self.drawing = Drawing(scorer, catalogue)
        """The detections beside members of other surveys."""
        self._store = store
        self._now = now
        self._folded: Recent[SessionKey, Folded[SessionState]] = Recent(
            budget_bytes, lambda folded: folded.peek().size_bytes, idle_s=IDLE_S
        )
        self._existence = Existence(store)
        self._following = Following(store, scorer, self._read_event)
        self._catalogue = CatalogueFollowing(store, self.drawing, self._read_event)

    def create(self, session: pb.Session, request_id: str) -> pb.Session:
        """Create a session.

        Raises AlreadyExistsError, RequestIdReusedError, NotFoundError, PreconditionError, InvalidInputError.
        """
        created = with_defaults(session)
        require_access(created, current_caller())
        # first, so that the detections counted are those of this generation
        generation = self._existence.generation(session.survey_id)
        _, detections = self.scorer.version(session.survey_id)
        if not detections:
            raise PreconditionError(
                f"survey {session.survey_id!r} has no detections; add detections before creating a session"
            )
        key = (session.survey_id, session.session_id)
        entry = self.event(created=created)
        answer = _as_created(entry).SerializeToString()
        first = self._existence.create_session(key, generation, entry, answer, request_id)
        stored = self.get(*key)
        if stored.position == 1 and uses_names(stored):
            read_names(self.folded(*key), self.drawing.facts(stored), self._read_event)
        if first is not None:
            return pb.Session.FromString(first)
        require_equal(created, stored)
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
        """The sessions that still exist, with the time of their last event; of damaged ones the damage."""
        sessions = []
        for session_id in session_ids:
            try:
                session = self.get(survey_id, session_id)
                updated_ns = self.folded(survey_id, session_id).peek().updated_ns
                session.update_time.FromNanoseconds(updated_ns)
                sessions.append(session)
            except (NotFoundError, PermissionDeniedError):
                # deleted since the ids were listed, or drawing on surveys that the caller may not read
                continue
            except DamagedError as error:
                sessions.append(pb.Session(survey_id=survey_id, session_id=session_id, damage=str(error)))
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

        given: labels without id and time, and bursts of several animals. Detections of the survey that the
        session has not yet are added first.

        Returns the outcome of each label, in their order, and `look` of the session after them.
        Raises NotFoundError; nothing is stored then.
        """
        try:
            return self._submit((survey_id, session_id), given, request_id, look)
        except NotInSessionError as error:
            folded = self.folded(survey_id, session_id)
            facts = self.drawing.facts(folded.peek().session)
            named = {i for pair in answered_pairs(given) for i in pair}
            missing = sorted(named - facts.detections.keys())
            if missing:
                raise NotFoundError(
                    f"survey {survey_id!r} has no detection {missing[0]!r}; add the detection first, or "
                    "correct its id"
                ) from error
            add_detections(folded, facts, named, self._read_event)
            return self._submit((survey_id, session_id), given, request_id, look)

    def _submit(
        self,
        key: SessionKey,
        given: pb.LabelsGiven,
        request_id: str,
        look: Callable[[SessionState, int], ViewT],
    ) -> tuple[list[pb.LabelOutcome], ViewT]:
        survey_id, session_id = key
        ended = lease_fields(survey_id, session_id, answered_pairs(given))

        def decide(state: SessionState, position: int) -> Change:
            stored = stored_labels(given, state, position, self._now())
            submission = StoredSubmission(label_ids=[label.label_id for label in stored.labels])
            return Change(self.event(labelled=stored), submission.SerializeToString(), ended)

        def answer(reply: Reply, state: SessionState, position: int) -> tuple[list[pb.LabelOutcome], ViewT]:
            label_ids = StoredSubmission.FromString(reply.value).label_ids
            outcomes = shorten([state.label_outcome(label_id) for label_id in label_ids])
            if not reply.repeated:
                count_labels(outcomes)
            return outcomes, look(state, position)

        return self.current(survey_id, session_id).change_together(
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
            require_retractable(retracted.label_ids, state)
            return Change(self.event(retracted=retracted), b"")

        return self.current(survey_id, session_id).change_and_view(
            decide,
            lambda _, state, position: look(state, position),
            scope=keys.session_scope("RetractLabels", session_id),
            request_id=request_id,
        )

    def events(self, survey_id: str, session_id: str) -> list[pb.SessionEvent]:
        """The journal, oldest first. Raises NotFoundError."""
        joining = Joining()
        events: list[pb.SessionEvent] = []
        start: int | None = 0
        while start is not None:
            page = self.events_page(survey_id, session_id, start, MOST_EVENTS)
            events += joining.whole(page.events)
            start = page.next_start
        return events

    def events_page(self, survey_id: str, session_id: str, start: int, count: int) -> EventPage:
        """Up to `count` events or parts of large ones; start: 0, or `next_start` of the page before.

        Fewer if they would not fit into a message. Raises NotFoundError.
        """
        journal = self.folded(survey_id, session_id).journal
        if not journal.length():
            raise self._forget(survey_id, session_id)
        return read_page(journal, start, count)

    def begin_import(self, survey_id: str, session_id: str) -> SessionUpload:
        """Begin to import a journal as this session. Raises NotFoundError for the survey."""
        generation = self._existence.generation(survey_id)
        detections = self.scorer.facts(survey_id).detections
        return SessionUpload(self._store, (survey_id, session_id), generation, detections)

    def folded(self, survey_id: str, session_id: str) -> Folded[SessionState]:
        """The in-memory state of a session."""
        key = (survey_id, session_id)

        def make() -> Folded[SessionState]:
            return Folded(Journal(self._store, *key), SessionState, lambda: self._forget(*key))

        folded = self._folded.get(key, make)
        metrics.SESSIONS_OPEN.set(self._folded.state()[0])
        caller = current_caller()
        if caller.surveys:
            require_access(folded.view(lambda state, _: state.session), caller)
        return folded

    def current(self, survey_id: str, session_id: str) -> Folded[SessionState]:
        """The in-memory state of a session, after it took in what became of the survey's detections."""
        folded = self.folded(survey_id, session_id)
        self._following.follow(folded, (survey_id, session_id))
        self._catalogue.follow(folded, (survey_id, session_id))
        return folded

    def length(self, survey_id: str, session_id: str) -> int:
        """The number of events of a session, after it took in what became of the survey's detections."""
        return self.current(survey_id, session_id).journal.length()

    def event(self, **kind: Unpack[EventKind]) -> bytes:
        """A journal entry for an event that happens now."""
        return pb.SessionEvent(create_time=self._now(), **kind).SerializeToString()

    def _read_event(self, read: SurveyRead) -> bytes:
        return self.event(read=read)

    def _forget(self, survey_id: str, session_id: str) -> NotFoundError:
        """Drop a session that does not exist, so that unknown ids take no memory; returns the error."""
        self._folded.drop((survey_id, session_id))
        return _missing(survey_id, session_id)


def _as_created(entry: bytes) -> pb.Session:
    """The session after its first event, with output-only fields."""
    state = SessionState()
    state.apply(entry)
    state.session.position = state.position
    return state.session


def _missing(survey_id: str, session_id: str) -> NotFoundError:
    return NotFoundError(
        f"session {session_id!r} of survey {survey_id!r} does not exist; create the session first"
    )
