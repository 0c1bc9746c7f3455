"""A sampler in memory: pairs in the order of their fused scores, answers believed at once.

Its sessions ask only about their own survey, whatever they draw on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from spotted.constraints.answers import LabelOutcome
from spotted.constraints.explanation import Explanation
from spotted.errors import AlreadyExistsError, InvalidInputError, NotFoundError
from spotted.event_parts import Joining
from spotted.messages import detection_message
from spotted.testing.fake_individuals import FakeIndividuals, SessionRequest
from spotted.testing.fake_scorer import FakeScorer
from spotted.testing.fake_session import StoredSession
from spotted.testing.server import Replies
from spotted.v1 import sampler_pb2 as pb


class FakeSampler:
    """Sessions in memory on the surveys of a fake scorer; a service's answers without a service.

    >>> from spotted import Detection, Survey
    >>> from spotted.client import EmbeddingSpec
    >>> from spotted.testing import fake_services
    >>> with fake_services() as spotted:
    ...     survey = spotted.create_survey(Survey("kruger", 0.0, 86_400.0))
    ...     spec = EmbeddingSpec("backbone", "preprocessing", dimension=2)
    ...     added = survey.add_detections([Detection("a"), Detection("b")], np.eye(2), spec)
    ...     questions = survey.create_session("main").next_pairs("anna")
    >>> [(pair.first.detection_id, pair.second.detection_id) for pair in questions.pairs]
    [('a', 'b')]
    """

    def __init__(self, scorer: FakeScorer) -> None:
        self._scorer = scorer
        self.sessions: dict[tuple[str, str], StoredSession] = {}

    def replies(self) -> Replies:
        """The rpcs that it answers, by name."""
        return {
            "CreateSession": self._create,
            "GetSession": lambda request: pb.GetSessionResponse(session=self._session(request).message),
            "ListSessions": self._list,
            "UpdateSession": self._update,
            "DeleteSession": self._delete,
            "NextPairs": self._next_pairs,
            "ReleaseLeases": self._release,
            "SubmitLabels": self._submit,
            "RetractLabels": self._retract,
            "ListConflicts": self._conflicts,
            "GetProgress": lambda request: pb.GetProgressResponse(
                progress=self._session(request).folded().progress()
            ),
            "WatchProgress": lambda request: iter(
                [pb.WatchProgressResponse(progress=self._session(request).folded().progress())]
            ),
            **FakeIndividuals(self._session).replies(),
            "ListEvents": lambda request: pb.ListEventsResponse(events=self._session(request).events),
            "ImportSession": self._import,
        }

    def _session(self, request: SessionRequest) -> StoredSession:
        try:
            return self.sessions[request.survey_id, request.session_id]
        except KeyError:
            raise NotFoundError(
                f"session {request.session_id!r} of survey {request.survey_id!r} does not exist; "
                "create the session first"
            ) from None

    def _create(self, request: pb.CreateSessionRequest) -> pb.CreateSessionResponse:
        asked = request.session
        asked.strategy.strategy_id = asked.strategy.strategy_id or "greedy"
        key = asked.survey_id, asked.session_id
        stored = self.sessions.get(key)
        if stored is None:
            stored = self.sessions[key] = StoredSession(self._scorer.survey(asked.survey_id))
            stored.append(pb.SessionEvent(created=asked))
        if stored.events[0].created != asked:
            raise AlreadyExistsError(f"session {asked.session_id!r} exists with other settings")
        return pb.CreateSessionResponse(session=stored.message)

    def _list(self, request: pb.ListSessionsRequest) -> pb.ListSessionsResponse:
        keys = sorted(key for key in self.sessions if key[0] == request.survey_id)
        return pb.ListSessionsResponse(sessions=[self.sessions[key].message for key in keys])

    def _update(self, request: pb.UpdateSessionRequest) -> pb.UpdateSessionResponse:
        stored = self._session(request.session)
        settings = pb.Session()
        request.update_mask.MergeMessage(request.session, settings)
        stored.append(pb.SessionEvent(updated=pb.SessionUpdated(settings=settings)))
        return pb.UpdateSessionResponse(session=stored.message, progress=stored.folded().progress())

    def _delete(self, request: pb.DeleteSessionRequest) -> pb.DeleteSessionResponse:
        self._session(request)
        del self.sessions[request.survey_id, request.session_id]
        return pb.DeleteSessionResponse()

    def _next_pairs(self, request: pb.NextPairsRequest) -> pb.NextPairsResponse:
        stored = self._session(request)
        detections = [detection_message(d) for d in stored.survey.detections.values()]
        response = pb.NextPairsResponse()
        for first, second, score in _open_pairs(stored):
            if len(response.pairs) < max(1, request.count):
                low, high = sorted((detections[first], detections[second]), key=lambda d: d.detection_id)
                response.pairs.add(first=low, second=high, reason="the best open score", score=score)
        response.finished = not response.pairs
        return response

    def _release(self, request: pb.ReleaseLeasesRequest) -> pb.ReleaseLeasesResponse:
        # this fake asks everyone the same questions
        self._session(request)
        return pb.ReleaseLeasesResponse()

    def _submit(self, request: pb.SubmitLabelsRequest) -> pb.SubmitLabelsResponse:
        stored = self._session(request)
        if request.bursts:
            raise InvalidInputError("this fake asks pairs only; submit labels", field="bursts")
        for number, label in enumerate(request.labels, start=1):
            stored.survey.rows([label.first_detection_id, label.second_detection_id])
            label.label_id = f"{len(stored.events) + 1}-{number}"
        session = stored.append(pb.SessionEvent(labelled=pb.LabelsGiven(labels=request.labels)))
        labels, outcomes = session.labels(), session.outcomes
        return pb.SubmitLabelsResponse(
            outcomes=[_outcome(label, outcomes[label.label_id], labels) for label in request.labels],
            progress=session.progress(),
        )

    def _retract(self, request: pb.RetractLabelsRequest) -> pb.RetractLabelsResponse:
        stored = self._session(request)
        if unknown := set(request.label_ids) - stored.folded().labels().keys():
            raise NotFoundError(f"label {min(unknown)!r} does not exist; list the labels first")
        retracted = pb.LabelsRetracted(label_ids=request.label_ids, annotator_id=request.annotator_id)
        if request.validate_only:
            stored = StoredSession(stored.survey, list(stored.events))
        stored.append(pb.SessionEvent(retracted=retracted))
        return pb.RetractLabelsResponse(progress=stored.folded().progress())

    def _conflicts(self, request: pb.ListConflictsRequest) -> pb.ListConflictsResponse:
        session = self._session(request).folded()
        labels, contradictions = session.labels(), session.constraints.contradictions
        conflicts = [_conflict(labels[c.label.label_id], c.explanation, labels) for c in contradictions]
        return pb.ListConflictsResponse(conflicts=conflicts)

    def _import(self, requests: Iterator[pb.ImportSessionRequest]) -> pb.ImportSessionResponse:
        parts = list(requests)
        key = parts[0].survey_id, parts[0].session_id
        events = list(Joining().whole(event for part in parts for event in part.events))
        stored = StoredSession(self._scorer.survey(key[0]), events)
        if not stored.events or not stored.events[0].HasField("created"):
            raise InvalidInputError("event 1 does not create a session; export the session again")
        stored.events[0].created.survey_id, stored.events[0].created.session_id = key
        self.sessions[key] = stored
        return pb.ImportSessionResponse(session=stored.message)


def _open_pairs(stored: StoredSession) -> list[tuple[int, int, float]]:
    """The pairs that no label answers, best fused score first; equal scores by row."""
    constraints = stored.folded().constraints
    first, second = np.triu_indices(constraints.items, k=1)
    if not len(first):
        return []
    fused = stored.survey.gallery().score_pairs(first, second).fused
    order = np.argsort(-fused, kind="stable")
    pairs = zip(first[order].tolist(), second[order].tolist(), fused[order].tolist(), strict=True)
    return [(a, b, score) for a, b, score in pairs if constraints.is_open(a, b)]


def _outcome(label: pb.Label, outcome: LabelOutcome, labels: Mapping[str, pb.Label]) -> pb.LabelOutcome:
    message = pb.LabelOutcome(
        label=label,
        effect=pb.LabelEffect.ValueType(outcome.effect),
        implied_same_pairs=outcome.implied_same,
    )
    if outcome.explanation is not None:
        message.conflict.CopyFrom(_conflict(label, outcome.explanation, labels))
    return message


def _conflict(label: pb.Label, explanation: Explanation, labels: Mapping[str, pb.Label]) -> pb.Conflict:
    reasons = [labels[label_id] for label_id in explanation.label_ids]
    words = f"{label.first_detection_id} and {label.second_detection_id} have a label against earlier ones"
    return pb.Conflict(label=label, explanation=reasons, message=words)
