"""Calls to the sampler."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from spotted.client.calls import sent
from spotted.client.connection import LONG_TIMEOUT_S, Connection, request_id
from spotted.v1 import sampler_pb2

# a question may have to wait until the next round is planned
PLAN_TIMEOUT_S = 600.0
# of a message of a journal that is imported; an event that is larger goes alone
MOST_EVENTS, MOST_EVENT_BYTES = 1000, 1 << 20


class SamplerCalls(Connection):
    """Sessions to questions."""

    def create_session(
        self,
        survey_id: str,
        session_id: str,
        *,
        strategy: str = "learned",
        seed: int = 0,
        retrain: bool = False,
        trust: sampler_pb2.Trust.ValueType | None = None,
    ) -> sampler_pb2.Session:
        """Open an annotation session; it may be there already with equal content.

        trust: how far one answer is believed; None for single until a second annotator answers, and verified
            from then on.
        """
        session = sampler_pb2.Session(
            survey_id=survey_id,
            session_id=session_id,
            strategy=sampler_pb2.StrategySettings(strategy_id=strategy, retrain=retrain),
            seed=seed,
            trust=trust or sampler_pb2.TRUST_UNSPECIFIED,
        )
        request = sampler_pb2.CreateSessionRequest(session=session, request_id=request_id())
        with self._errors("sampler"):
            return self.sampler.CreateSession(request, timeout=self._timeout_s).session

    def session(self, survey_id: str, session_id: str) -> sampler_pb2.Session:
        """A session as it was opened."""
        request = sampler_pb2.GetSessionRequest(survey_id=survey_id, session_id=session_id)
        with self._errors("sampler"):
            return self.sampler.GetSession(request, timeout=self._timeout_s).session

    def next_pairs(
        self,
        survey_id: str,
        session_id: str,
        annotator_id: str,
        *,
        count: int = 1,
        shows: Sequence[sampler_pb2.QuestionKind.ValueType] = (),
        gallery_size: int = 0,
        audit: bool = False,
    ) -> sampler_pb2.NextPairsResponse:
        """The next questions, leased to the annotator.

        shows: kinds of questions that can be shown, pairs alone where empty. gallery_size: most candidates
        of a gallery, 0 for the default. audit: random open pairs instead, which certify what is missed.
        """
        request = sampler_pb2.NextPairsRequest(
            survey_id=survey_id,
            session_id=session_id,
            annotator_id=annotator_id,
            count=count,
            shows=shows,
            gallery_size=gallery_size,
            audit=audit,
        )
        with self._errors("sampler"):
            return self.sampler.NextPairs(request, timeout=PLAN_TIMEOUT_S)

    def submit_labels(
        self,
        survey_id: str,
        session_id: str,
        labels: Sequence[sampler_pb2.Label],
        *,
        bursts: Sequence[sampler_pb2.BurstAnswer] = (),
    ) -> sampler_pb2.SubmitLabelsResponse:
        """Store answers to pairs and bursts; when this returns they are on disk."""
        request = sampler_pb2.SubmitLabelsRequest(
            survey_id=survey_id, session_id=session_id, labels=labels, bursts=bursts, request_id=request_id()
        )
        with self._errors("sampler"):
            return self.sampler.SubmitLabels(request, timeout=self._timeout_s)

    def retract_labels(
        self, survey_id: str, session_id: str, label_ids: Sequence[str], annotator_id: str
    ) -> sampler_pb2.Progress:
        """Take labels back; how far the session is without them."""
        request = sampler_pb2.RetractLabelsRequest(
            survey_id=survey_id,
            session_id=session_id,
            label_ids=label_ids,
            annotator_id=annotator_id,
            request_id=request_id(),
        )
        with self._errors("sampler"):
            return self.sampler.RetractLabels(request, timeout=self._timeout_s).progress

    def conflicts(self, survey_id: str, session_id: str) -> Iterator[sampler_pb2.Conflict]:
        """The labels that contradict earlier ones, oldest first, each with the labels that explain it."""
        request = sampler_pb2.ListConflictsRequest(survey_id=survey_id, session_id=session_id)
        for page in self._pages(self.sampler.ListConflicts, request, "sampler"):
            yield from page.conflicts

    def progress(self, survey_id: str, session_id: str) -> sampler_pb2.Progress:
        """How far a session is."""
        request = sampler_pb2.GetProgressRequest(survey_id=survey_id, session_id=session_id)
        with self._errors("sampler"):
            return self.sampler.GetProgress(request, timeout=self._timeout_s).progress

    def individuals(self, survey_id: str, session_id: str) -> Iterator[sampler_pb2.Individual]:
        """The individuals as the labels have them, largest first."""
        request = sampler_pb2.ListIndividualsRequest(survey_id=survey_id, session_id=session_id)
        for page in self._pages(self.sampler.ListIndividuals, request, "sampler"):
            yield from page.individuals

    def labels(self, survey_id: str, session_id: str) -> list[sampler_pb2.Label]:
        """The answers of a session that were not taken back, oldest first."""
        standing: dict[str, sampler_pb2.Label] = {}
        for event in self.export_session(survey_id, session_id):
            standing |= {label.label_id: label for label in event.labelled.labels}
            for label_id in event.retracted.label_ids:
                standing.pop(label_id, None)
        return list(standing.values())

    def export_session(self, survey_id: str, session_id: str) -> Iterator[sampler_pb2.SessionEvent]:
        """All that happened in a session, oldest first; `import_session` makes a session of it."""
        request = sampler_pb2.ListEventsRequest(survey_id=survey_id, session_id=session_id)
        for page in self._pages(self.sampler.ListEvents, request, "sampler"):
            yield from page.events

    def import_session(
        self, survey_id: str, session_id: str, events: Iterable[sampler_pb2.SessionEvent]
    ) -> sampler_pb2.Session:
        """Open a session from what `export_session` gave, as it was; it may be there already.

        events: drawn as they are sent. The survey must hold the detections that they name. Raises
        AlreadyExistsError for a session with another journal, InvalidInputError that names the first wrong
        event; nothing is stored then.
        """
        return sent(
            self.sampler.ImportSession,
            _parts(survey_id, session_id, events),
            timeout_s=LONG_TIMEOUT_S,
            address=self._addresses["sampler"],
        ).session


def _parts(
    survey_id: str, session_id: str, events: Iterable[sampler_pb2.SessionEvent]
) -> Iterator[sampler_pb2.ImportSessionRequest]:
    """The events as messages, the ids in the first; the last says that it is."""
    part = sampler_pb2.ImportSessionRequest(survey_id=survey_id, session_id=session_id)
    size = 0
    for event in events:
        if len(part.events) == MOST_EVENTS or size + event.ByteSize() > MOST_EVENT_BYTES:
            yield part
            part, size = sampler_pb2.ImportSessionRequest(), 0
        part.events.append(event)
        size += event.ByteSize()
    part.complete = True
    yield part
