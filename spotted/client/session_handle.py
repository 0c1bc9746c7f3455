"""One annotation session: its questions, labels, conflicts, progress, individuals and journal."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from spotted import messages
from spotted.client.connection import Connection, request_id
from spotted.client.live_labels import labels_that_count
from spotted.client.session_messages import (
    burst_message,
    conflict_value,
    individual_value,
    label_message,
    progress_value,
    questions,
    session_event,
    session_info,
    submitted_labels,
)
from spotted.client.values.progress import Progress
from spotted.client.values.sessions import (
    BurstAnswer,
    Conflict,
    Individual,
    Label,
    QuestionKind,
    Questions,
    SessionEvent,
    SessionInfo,
    SubmittedLabels,
)
from spotted.v1 import sampler_pb2

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
        self._sampler = connection.sampler

    def __repr__(self) -> str:
        return f"SessionHandle({self.survey_id!r}, {self.session_id!r})"

    def info(self) -> SessionInfo:
        """The session as stored."""
        request = sampler_pb2.GetSessionRequest(survey_id=self.survey_id, session_id=self.session_id)
        return session_info(self._sampler.call(self._sampler.stub.GetSession, request).session)

    def delete(self) -> None:
        """Delete the session with its journal."""
        request = sampler_pb2.DeleteSessionRequest(
            survey_id=self.survey_id, session_id=self.session_id, request_id=request_id()
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
        self, labels: Sequence[Label], *, bursts: Sequence[BurstAnswer] = ()
    ) -> SubmittedLabels:
        """Store answers to pairs and bursts; when this returns they are on disk."""
        request = sampler_pb2.SubmitLabelsRequest(
            survey_id=self.survey_id,
            session_id=self.session_id,
            labels=[label_message(label) for label in labels],
            bursts=[burst_message(burst) for burst in bursts],
            request_id=request_id(),
        )
        return submitted_labels(self._sampler.call(self._sampler.stub.SubmitLabels, request))

    def retract_labels(self, label_ids: Sequence[str], annotator_id: str) -> Progress:
        """Retract labels; returns the progress without them."""
        request = sampler_pb2.RetractLabelsRequest(
            survey_id=self.survey_id,
            session_id=self.session_id,
            label_ids=label_ids,
            annotator_id=annotator_id,
            request_id=request_id(),
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

    def individuals(self) -> Iterator[Individual]:
        """The individuals that the labels imply, largest first."""
        request = sampler_pb2.ListIndividualsRequest(survey_id=self.survey_id, session_id=self.session_id)
        pages = self._sampler.pages(self._sampler.stub.ListIndividuals, request)
        listed = (individual for page in pages for individual in page.individuals)
        # one that does not fit into a message comes in parts
        for _, parts in itertools.groupby(listed, lambda individual: individual.individual_id):
            yield individual_value(list(parts))

    def labels(self) -> list[Label]:
        """The labels that count, oldest first: not retracted, on detections that have the image they had."""
        return labels_that_count(self.events())

    def events(self) -> Iterator[SessionEvent]:
        """The session's journal, oldest first; `SurveyHandle.import_session` creates a session from it."""
        request = sampler_pb2.ListEventsRequest(survey_id=self.survey_id, session_id=self.session_id)
        for page in self._sampler.pages(self._sampler.stub.ListEvents, request):
            yield from (session_event(event) for event in page.events)
