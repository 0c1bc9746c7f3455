"""A sampler in memory: pairs in the order of their fused scores, answers believed at once.

Changes of individuals by people (names, merges, splits, moves) and watching them need a real sampler.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from spotted.constraints.answers import Answer, LabelledPair, LabelOutcome
from spotted.constraints.assumptions import Assumptions, assume
from spotted.constraints.closure import Closure
from spotted.constraints.explanation import Explanation
from spotted.errors import AlreadyExistsError, InvalidInputError, NotFoundError
from spotted.event_parts import Joining
from spotted.facts.kinds import KnownIndividuals, known_name
from spotted.individuals.naming import individual_id, read_individual_id
from spotted.messages import detection_message
from spotted.testing.fake_scorer import FakeScorer, StoredSurvey
from spotted.testing.server import Replies
from spotted.v1 import individuals_pb2
from spotted.v1 import sampler_pb2 as pb


@dataclass
class StoredSession:
    """A session in memory, as its journal; everything else follows from it."""

    survey: StoredSurvey
    events: list[pb.SessionEvent] = field(default_factory=list)

    @property
    def message(self) -> pb.Session:
        """The session as stored."""
        session = pb.Session()
        session.CopyFrom(self.events[0].created)
        for event in self.events:
            if event.HasField("updated"):
                session.MergeFrom(event.updated.settings)
        session.position = len(self.events)
        return session

    def append(self, event: pb.SessionEvent) -> None:
        """Add an event to the journal."""
        event.position = len(self.events) + 1
        self.events.append(event)

    def labels(self) -> dict[str, pb.Label]:
        """The labels that have not been retracted, by id, oldest first."""
        labels: dict[str, pb.Label] = {}
        for event in self.events:
            labels |= {label.label_id: label for label in event.labelled.labels}
            for label_id in event.retracted.label_ids:
                labels.pop(label_id, None)
        return labels

    def constraints(self) -> tuple[Closure, dict[str, LabelOutcome]]:
        """The closure of the labels, and the outcome of each."""
        detections = list(self.survey.detections.values())
        constraints = Closure(len(detections))
        pairs = itertools.combinations(enumerate(detections), 2)
        images = [(a, b) for (a, one), (b, d) in pairs if one.image_id and one.image_id == d.image_id]
        believed = self.message.known_individuals in (0, KnownIndividuals.BELIEVED)
        named = {item: known_name(d.individual_id) for item, d in enumerate(detections) if believed}
        assume(constraints, Assumptions(images, {item: name for item, name in named.items() if name}))
        outcomes = {}
        for label_id, label in self.labels().items():
            first, second = self.survey.rows([label.first_detection_id, label.second_detection_id]).tolist()
            pair = LabelledPair(label_id, first, second, Answer(label.answer))
            outcomes[label_id] = constraints.apply(pair)
        return constraints, outcomes

    def progress(self) -> pb.Progress:
        """The session's progress, without estimates and guarantees."""
        constraints, _ = self.constraints()
        answers = Counter(label.answer for label in self.labels().values())
        return pb.Progress(
            detections=constraints.items,
            same=answers[pb.ANSWER_SAME],
            different=answers[pb.ANSWER_DIFFERENT],
            not_comparable=answers[pb.ANSWER_NOT_COMPARABLE],
            skipped=answers[pb.ANSWER_SKIP],
            conflicts=len(constraints.contradictions),
            individuals=constraints.component_count,
            same_pairs=constraints.positives,
            summary=f"{constraints.component_count} individuals from {sum(answers.values())} answers",
            position=len(self.events),
            trust=self.message.trust or pb.TRUST_SINGLE,
        )


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
        self._labels = 0

    def replies(self) -> Replies:
        """The rpcs that it answers, by name."""
        return {
            "CreateSession": self._create,
            "GetSession": lambda request: pb.GetSessionResponse(session=self._session(request).message),
            "ListSessions": self._list,
            "UpdateSession": self._update,
            "DeleteSession": self._delete,
            "NextPairs": self._next_pairs,
            "SubmitLabels": self._submit,
            "RetractLabels": self._retract,
            "ListConflicts": self._conflicts,
            "GetProgress": lambda request: pb.GetProgressResponse(progress=self._session(request).progress()),
            "WatchProgress": lambda request: iter(
                [pb.WatchProgressResponse(progress=self._session(request).progress())]
            ),
            "ListIndividuals": self._individuals,
            "GetIndividual": self._individual,
            "ListEvents": lambda request: pb.ListEventsResponse(events=self._session(request).events),
            "ImportSession": self._import,
        }

    def _session(
        self,
        request: pb.Session
        | pb.GetSessionRequest
        | pb.NextPairsRequest
        | pb.SubmitLabelsRequest
        | pb.RetractLabelsRequest
        | pb.DeleteSessionRequest
        | pb.ListConflictsRequest
        | individuals_pb2.ListIndividualsRequest
        | individuals_pb2.GetIndividualRequest,
    ) -> StoredSession:
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
        return pb.UpdateSessionResponse(session=stored.message, progress=stored.progress())

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

    def _submit(self, request: pb.SubmitLabelsRequest) -> pb.SubmitLabelsResponse:
        stored = self._session(request)
        if request.bursts:
            raise InvalidInputError("this fake asks pairs only; submit labels", field="bursts")
        for label in request.labels:
            stored.survey.rows([label.first_detection_id, label.second_detection_id])
            self._labels += 1
            label.label_id = f"label-{self._labels}"
        stored.append(pb.SessionEvent(labelled=pb.LabelsGiven(labels=request.labels)))
        labels, (_, outcomes) = stored.labels(), stored.constraints()
        return pb.SubmitLabelsResponse(
            outcomes=[_outcome(label, outcomes[label.label_id], labels) for label in request.labels],
            progress=stored.progress(),
        )

    def _retract(self, request: pb.RetractLabelsRequest) -> pb.RetractLabelsResponse:
        stored = self._session(request)
        if unknown := set(request.label_ids) - stored.labels().keys():
            raise NotFoundError(f"label {min(unknown)!r} does not exist; list the labels first")
        retracted = pb.LabelsRetracted(label_ids=request.label_ids, annotator_id=request.annotator_id)
        stored.append(pb.SessionEvent(retracted=retracted))
        return pb.RetractLabelsResponse(progress=stored.progress())

    def _conflicts(self, request: pb.ListConflictsRequest) -> pb.ListConflictsResponse:
        stored = self._session(request)
        labels = stored.labels()
        contradictions = stored.constraints()[0].contradictions
        conflicts = [_conflict(labels[c.label.label_id], c.explanation, labels) for c in contradictions]
        return pb.ListConflictsResponse(conflicts=conflicts)

    def _individuals(
        self, request: individuals_pb2.ListIndividualsRequest
    ) -> individuals_pb2.ListIndividualsResponse:
        listed = _individuals_of(self._session(request))
        wanted = request.detection_id
        return individuals_pb2.ListIndividualsResponse(
            individuals=[one for one in listed if not wanted or wanted in one.detection_ids]
        )

    def _individual(
        self, request: individuals_pb2.GetIndividualRequest
    ) -> individuals_pb2.GetIndividualResponse:
        own = read_individual_id(request.individual_id)
        for one in _individuals_of(self._session(request)):
            if own is not None and own[0] in one.detection_ids:
                return individuals_pb2.GetIndividualResponse(individual=one)
        raise NotFoundError(
            f"individual {request.individual_id!r} does not exist; list the individuals first"
        )

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


def _individuals_of(stored: StoredSession) -> list[individuals_pb2.Individual]:
    """The individuals that the labels imply, largest first."""
    ids = list(stored.survey.detections)
    groups = [sorted(ids[item] for item in items) for items in stored.constraints()[0].components()]
    groups.sort(key=lambda group: (-len(group), group[0]))
    return [
        individuals_pb2.Individual(
            individual_id=individual_id(group[0]), detection_ids=group, detection_count=len(group)
        )
        for group in groups
    ]


def _open_pairs(stored: StoredSession) -> list[tuple[int, int, float]]:
    """The pairs that no label answers, best fused score first; equal scores by row."""
    constraints, _ = stored.constraints()
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
