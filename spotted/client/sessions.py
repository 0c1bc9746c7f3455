"""Calls to the sampler."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from spotted.client.connection import Connection, request_id
from spotted.v1 import sampler_pb2

# a question may have to wait until the next round is planned
PLAN_TIMEOUT_S = 600.0


class SamplerCalls(Connection):
    """Sessions to questions."""

    def create_session(
        self,
        survey_id: str,
        session_id: str,
        *,
        strategy: str = "confspal",
        seed: int = 0,
        retrain: bool = False,
    ) -> sampler_pb2.Session:
        """Open an annotation session; it may be there already with equal content."""
        session = sampler_pb2.Session(
            survey_id=survey_id,
            session_id=session_id,
            strategy=sampler_pb2.StrategySettings(strategy_id=strategy, retrain=retrain),
            seed=seed,
        )
        request = sampler_pb2.CreateSessionRequest(session=session, request_id=request_id())
        with self._errors("sampler"):
            return self.sampler.CreateSession(request, timeout=self._timeout_s).session

    def next_pairs(
        self, survey_id: str, session_id: str, annotator_id: str, *, count: int = 1
    ) -> sampler_pb2.NextPairsResponse:
        """The next questions, leased to the annotator."""
        request = sampler_pb2.NextPairsRequest(
            survey_id=survey_id, session_id=session_id, annotator_id=annotator_id, count=count
        )
        with self._errors("sampler"):
            return self.sampler.NextPairs(request, timeout=PLAN_TIMEOUT_S)

    def submit_labels(
        self, survey_id: str, session_id: str, labels: Sequence[sampler_pb2.Label]
    ) -> sampler_pb2.SubmitLabelsResponse:
        """Store answers; when this returns they are on disk."""
        request = sampler_pb2.SubmitLabelsRequest(
            survey_id=survey_id, session_id=session_id, labels=labels, request_id=request_id()
        )
        with self._errors("sampler"):
            return self.sampler.SubmitLabels(request, timeout=self._timeout_s)

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
        request = sampler_pb2.ListEventsRequest(survey_id=survey_id, session_id=session_id)
        for page in self._pages(self.sampler.ListEvents, request, "sampler"):
            for event in page.events:
                standing |= {label.label_id: label for label in event.labelled.labels}
                for label_id in event.retracted.label_ids:
                    standing.pop(label_id, None)
        return list(standing.values())
