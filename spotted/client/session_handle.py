"""One annotation session: its questions, labels, conflicts, progress, individuals and journal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from spotted import messages
from spotted.client.connection import Connection
from spotted.client.connection import request_id as new_request_id
from spotted.client.individuals.handle import IndividualHandle
from spotted.client.individuals.messages import individual_values, individuals_change, watched_changes
from spotted.client.session_events import standing_labels, whole_events
from spotted.client.session_messages import (
    burst_message,
    conflict_value,
    label_message,
    progress_value,
    questions,
    session_info,
    submitted_labels,
)
from spotted.client.survey_messages import filter_message
from spotted.client.values.candidates import CandidateFilter
from spotted.client.values.individuals import Individual, IndividualsChange, WatchedChange
from spotted.client.values.progress import Progress
from spotted.client.values.questions import QuestionKind, Questions
from spotted.client.values.sessions import (
    BurstAnswer,
    Conflict,
    Label,
    SessionEvent,
    SessionInfo,
    SubmittedLabels,
)
from spotted.constraints.trust import Trust
from spotted.facts.kinds import KnownIndividuals
from spotted.v1 import individuals_pb2, sampler_pb2, session_facts_pb2

# a question may have to wait until the next round is planned
PLAN_TIMEOUT_S = 600.0


class SessionHandle:
    """A session on the sampler; every method raises NotFoundError if it does not exist.

    >>> import numpy as np
    >>> from spotted import Detection, Survey
    >>> from spotted.client import EmbeddingSpec
    >>> from spotted.constraints import Answer
    >>> from spotted.testing import fake_services
    >>> with fake_services() as spotted:
    ...     survey = spotted.create_survey(Survey("kruger", 0.0, 86_400.0))
    ...     spec = EmbeddingSpec("backbone", "preprocessing", dimension=2)
    ...     added = survey.add_detections([Detection("a"), Detection("b")], np.eye(2), spec)
    ...     session = survey.create_session("main")
    ...     label = session.submit_labels([Label("a", "b", Answer.SAME, "anna")]).outcomes[0].label
    ...     print([one.detection_ids for one in session.individuals()])
    ...     progress = session.retract_labels([label.label_id], "anna")
    ...     print([one.detection_ids for one in session.individuals()])
    [('a', 'b')]
    [('a',), ('b',)]
    """

    def __init__(self, connection: Connection, survey_id: str, session_id: str) -> None:
        self.survey_id = survey_id
        self.session_id = session_id
        self._connection = connection
        self._sampler = connection.sampler

    def __repr__(self) -> str:
        return f"SessionHandle({self.survey_id!r}, {self.session_id!r})"

    def info(self) -> SessionInfo:
        """The session as stored."""
        request = sampler_pb2.GetSessionRequest(survey_id=self.survey_id, session_id=self.session_id)
        return session_info(self._sampler.call(self._sampler.stub.GetSession, request).session)

    def update(
        self,
        *,
        trust: Trust | None = None,
        known_individuals: KnownIndividuals | None = None,
        only: CandidateFilter | None = None,
        ask_opposite_flanks: bool | None = None,
    ) -> Progress:
        """Change the settings that are not None; returns the progress after that.

        trust: every decision that stands is kept. known_individuals: the names of the survey are read again,
        also if the value stays.
        """
        session = sampler_pb2.Session(
            survey_id=self.survey_id,
            session_id=self.session_id,
            trust=sampler_pb2.Trust.ValueType(trust or 0),
            known_individuals=session_facts_pb2.KnownIndividuals.ValueType(known_individuals or 0),
            filter=filter_message(only),
            ask_opposite_flanks=bool(ask_opposite_flanks),
        )
        values = {
            "trust": trust,
            "known_individuals": known_individuals,
            "filter": only,
            "ask_opposite_flanks": ask_opposite_flanks,
        }
        request = sampler_pb2.UpdateSessionRequest(session=session, request_id=new_request_id())
        request.update_mask.paths.extend(field for field, value in values.items() if value is not None)
        return progress_value(self._sampler.call(self._sampler.stub.UpdateSession, request).progress)

    def delete(self) -> None:
        """Delete the session with its journal."""
        request = sampler_pb2.DeleteSessionRequest(
            survey_id=self.survey_id, session_id=self.session_id, request_id=new_request_id()
        )
        self._sampler.call(self._sampler.stub.DeleteSession, request)

    def next_pairs(
        self,
        annotator_id: str,
        *,
        count: int = 1,
        shows: Sequence[QuestionKind] = (),
        gallery_size: int = 0,
        audit: bool = False,
        lease_s: float | None = None,
    ) -> Questions:
        """The next questions, leased to the annotator so that no other is asked them meanwhile.

        shows: kinds of questions that the caller can show; empty for pairs only. gallery_size: most
        candidates of a gallery, 0 for the default. audit: random open pairs instead, which certify how
        little is missed. lease_s: how long they are leased, None for ten minutes.
        """
        request = sampler_pb2.NextPairsRequest(
            survey_id=self.survey_id,
            session_id=self.session_id,
            annotator_id=annotator_id,
            count=count,
            shows=[sampler_pb2.QuestionKind.ValueType(kind) for kind in shows],
            gallery_size=gallery_size,
            audit=audit,
            lease_duration=messages.duration(lease_s),
        )
        return questions(self._sampler.call(self._sampler.stub.NextPairs, request, timeout_s=PLAN_TIMEOUT_S))

    def submit_labels(
        self, labels: Sequence[Label], *, bursts: Sequence[BurstAnswer] = (), request_id: str = ""
    ) -> SubmittedLabels:
        """Store answers to pairs and bursts; when this returns they are on disk.

        request_id: a UUID, the same again to repeat a call that was not answered; "" for a new one.
        """
        request = sampler_pb2.SubmitLabelsRequest(
            survey_id=self.survey_id,
            session_id=self.session_id,
            labels=[label_message(label) for label in labels],
            bursts=[burst_message(burst) for burst in bursts],
            request_id=request_id or new_request_id(),
        )
        return submitted_labels(self._sampler.call(self._sampler.stub.SubmitLabels, request))

    def release_leases(self, annotator_id: str) -> int:
        """End the leases of an annotator who stops; returns how many pairs others may be asked now."""
        request = sampler_pb2.ReleaseLeasesRequest(
            survey_id=self.survey_id, session_id=self.session_id, annotator_id=annotator_id
        )
        return self._sampler.call(self._sampler.stub.ReleaseLeases, request).released

    def retract_labels(
        self, label_ids: Sequence[str], annotator_id: str, *, request_id: str = ""
    ) -> Progress:
        """Retract labels; returns the progress without them. request_id: as in `submit_labels`."""
        request = sampler_pb2.RetractLabelsRequest(
            survey_id=self.survey_id,
            session_id=self.session_id,
            label_ids=label_ids,
            annotator_id=annotator_id,
            request_id=request_id or new_request_id(),
        )
        return progress_value(self._sampler.call(self._sampler.stub.RetractLabels, request).progress)

    def preview_retraction(self, label_ids: Sequence[str], annotator_id: str) -> Progress:
        """The progress as it would be without these labels, which stay. Raises as `retract_labels`."""
        request = sampler_pb2.RetractLabelsRequest(
            survey_id=self.survey_id,
            session_id=self.session_id,
            label_ids=label_ids,
            annotator_id=annotator_id,
            validate_only=True,
        )
        return progress_value(self._sampler.call(self._sampler.stub.RetractLabels, request).progress)

    def conflicts(self) -> Iterator[Conflict]:
        """The labels that contradict earlier ones, oldest first, each with the labels that explain it."""
        request = sampler_pb2.ListConflictsRequest(survey_id=self.survey_id, session_id=self.session_id)
        for page in self._sampler.pages(self._sampler.stub.ListConflicts, request):
            yield from (conflict_value(conflict) for conflict in page.conflicts)

    def progress(self) -> Progress:
        """The session's progress, with guarantees and annotators."""
        request = sampler_pb2.GetProgressRequest(survey_id=self.survey_id, session_id=self.session_id)
        return progress_value(self._sampler.call(self._sampler.stub.GetProgress, request).progress)

    def watch_progress(self) -> Iterator[Progress]:
        """The present progress, then each change, for up to an hour; stop iterating to stop watching."""
        request = sampler_pb2.WatchProgressRequest(survey_id=self.survey_id, session_id=self.session_id)
        for response in self._sampler.stream(self._sampler.stub.WatchProgress, request):
            yield progress_value(response.progress)

    def individuals(
        self, *, detection_id: str = "", display_name: str = "", changed_since: int = 0
    ) -> Iterator[Individual]:
        """The individuals that the labels imply and people decided, largest first.

        detection_id, display_name: only the individual of this detection, or those of this name or with an
        alias of this name. changed_since: only those that an event after this position changed.
        """
        request = individuals_pb2.ListIndividualsRequest(
            survey_id=self.survey_id,
            session_id=self.session_id,
            detection_id=detection_id,
            display_name=display_name,
            changed_since_position=changed_since,
        )
        pages = self._sampler.pages(self._sampler.stub.ListIndividuals, request)
        yield from individual_values(individual for page in pages for individual in page.individuals)

    def individual(self, individual_id: str) -> IndividualHandle:
        """A handle for one individual, by its id or an alias."""
        return IndividualHandle(self._connection, self.survey_id, self.session_id, individual_id)

    def undo_change(self, position: int, annotator_id: str, *, request_id: str = "") -> IndividualsChange:
        """Undo a change of individuals by the position of its event; labels that it superseded stand again.

        request_id: as in `submit_labels`. Raises NotFoundError if no such change stands, PreconditionError if
        a later change depends on it.
        """
        request = individuals_pb2.UndoChangeRequest(
            survey_id=self.survey_id,
            session_id=self.session_id,
            position=position,
            annotator_id=annotator_id,
            request_id=request_id or new_request_id(),
        )
        return individuals_change(self._sampler.call(self._sampler.stub.UndoChange, request).result)

    def watch_individuals(self, cursor: str = "") -> Iterator[WatchedChange]:
        """The individuals, then each change of them, for up to an hour; stop iterating to stop watching.

        cursor: that of the last change applied; "" begins with a full list.
        """
        request = individuals_pb2.WatchIndividualsRequest(
            survey_id=self.survey_id, session_id=self.session_id, cursor=cursor
        )
        yield from watched_changes(self._sampler.stream(self._sampler.stub.WatchIndividuals, request))

    def labels(self) -> list[Label]:
        """The labels that have not been retracted, oldest first."""
        return standing_labels(self.events())

    def events(self) -> Iterator[SessionEvent]:
        """The session's journal, oldest first; `SurveyHandle.import_session` creates a session from it."""
        request = sampler_pb2.ListEventsRequest(survey_id=self.survey_id, session_id=self.session_id)
        pages = self._sampler.pages(self._sampler.stub.ListEvents, request)
        return whole_events(page.events for page in pages)
