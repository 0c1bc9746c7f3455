"""Annotators at replicas of a sampler whose store fails at a chosen call, and the state of a session."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from services.common.store.store import Store
from services.sampler.questions.choice import QuestionRequest
from services.sampler.questions.detection_facts import DetectionFacts
from services.sampler.questions.next_questions import LeasedQuestion, NextQuestions, QuestionBatch
from services.sampler.questions.planner import Planner
from services.sampler.session.leases import Leases
from services.sampler.session.progress import full_progress, quick_progress
from services.sampler.session.sessions import Sessions
from services.sampler.session.settings_change import update_session
from services.sampler.session.state import SessionState
from spotted.errors import UnavailableError
from spotted.sampling.questions import Kind
from spotted.v1 import individuals_pb2
from spotted.v1 import sampler_pb2 as pb
from tests.services.sampler.surveys import ToyScorer

PAIRS, ALL_KINDS = frozenset({Kind.PAIR}), frozenset(Kind)
LEASE_S = 600.0
BEGIN_S, STEP_S = 1_750_000_000, 30

AnswerT = TypeVar("AnswerT")


class Way(enum.Enum):
    """How a call to the store fails, and whether the sampler's process goes with it."""

    NOT_SENT = "not sent"
    ANSWER_LOST = "answer lost"
    GONE = "answer lost, and the process is gone"


@dataclass
class Faults:
    """Counts calls to the store; the one numbered `at`, from 1, fails."""

    at: int = 0
    way: Way = Way.NOT_SENT
    calls: int = 0
    failed: bool = False
    gone: bool = False

    def lost_memory(self) -> bool:
        """Whether the process is gone since this was last asked; the next one finds a sound connection."""
        gone, self.gone = self.gone, False
        return gone

    def before(self) -> None:
        if self.gone:
            raise UnavailableError("a process that is gone calls no store")
        self.calls += 1
        self._fail_in(Way.NOT_SENT)

    def after(self) -> None:
        self._fail_in(Way.ANSWER_LOST, Way.GONE)

    def _fail_in(self, *ways: Way) -> None:
        if self.calls == self.at and self.way in ways and not self.failed:
            self.failed = True
            self.gone = self.way is Way.GONE
            raise UnavailableError(f"call {self.at} of the store: {self.way.value}")


class FaultyStore(Store):
    """A store behind a connection that fails on request."""

    def __init__(self, url: str, faults: Faults) -> None:
        super().__init__(url)
        self._faults = faults

    @contextmanager
    def _translated(self, kind: str = "read") -> Iterator[None]:
        self._faults.before()
        with super()._translated(kind):
            yield
        self._faults.after()


class Clock:
    """Time that passes with the annotators' steps, however often it is read."""

    def __init__(self) -> None:
        self.step = 0

    def now(self) -> Timestamp:
        return Timestamp(seconds=BEGIN_S + STEP_S * self.step)


class Replica:
    """All that one sampler process keeps in memory."""

    def __init__(self, store: Store, scorer: ToyScorer, clock: Clock) -> None:
        self.scorer = scorer
        self.leases = Leases(store)
        self.sessions = Sessions(store, scorer, now=clock.now)
        self.asking = NextQuestions(
            self.sessions, Planner(self.sessions, scorer), self.leases, DetectionFacts(scorer)
        )


class Ending(NamedTuple):
    """Where a session stands: its journal, what follows from it, who holds what and what comes next."""

    events: list[pb.SessionEvent]
    labels: dict[str, pb.Label]
    individuals: list[individuals_pb2.Individual]
    progress: pb.Progress
    held: list[tuple[tuple[str, str], str]]
    next_for_each: list[list[tuple[str, str]]]


class Annotators:
    """Calls on one session as the contract wants them: what is not answered is repeated, under its id.

    replica: gives the one that takes the next call.
    """

    def __init__(self, survey_id: str, session_id: str, replica: Callable[[], Replica], clock: Clock) -> None:
        self.survey_id, self.session_id = survey_id, session_id
        self.acknowledged: list[pb.Label] = []
        self.standing: list[str] = []
        self.replica = replica
        self._clock = clock

    def create(self, request_id: str, strategy: str = "learned", top_k: int = 0) -> None:
        session = pb.Session(
            session_id=self.session_id,
            survey_id=self.survey_id,
            strategy=pb.StrategySettings(strategy_id=strategy, top_k=top_k),
            seed=7,
        )
        self._call(lambda at: at.sessions.create(session, request_id))

    def verify(self, request_id: str) -> None:
        """Turn the session to verified trust."""
        changes = pb.Session(survey_id=self.survey_id, session_id=self.session_id, trust=pb.TRUST_VERIFIED)
        self._call(lambda at: update_session(at.sessions, changes, ["trust"], request_id, lambda *_: None))

    def delete(self, request_id: str) -> None:
        self._call(lambda at: at.sessions.delete(self.survey_id, self.session_id, request_id))

    def ask(
        self,
        annotator_id: str,
        count: int = 1,
        *,
        kinds: frozenset[Kind] = PAIRS,
        audit: bool = False,
    ) -> QuestionBatch:
        wanted = QuestionRequest(annotator_id, count, LEASE_S, kinds, audit=audit)
        return self._call(lambda at: at.asking.next_pairs(self.survey_id, self.session_id, wanted))

    def submit(self, given: pb.LabelsGiven, request_id: str) -> None:
        outcomes, _ = self._call(
            lambda at: at.sessions.submit(self.survey_id, self.session_id, given, request_id, quick_progress)
        )
        assert len(outcomes) == len(given.labels)
        self.acknowledged += [outcome.label for outcome in outcomes]
        self.standing += [outcome.label.label_id for outcome in outcomes]

    def retract(self, label_id: str, annotator_id: str, request_id: str) -> None:
        self.standing.remove(label_id)
        taken = pb.LabelsRetracted(label_ids=[label_id], annotator_id=annotator_id)
        self._call(
            lambda at: at.sessions.retract(self.survey_id, self.session_id, taken, request_id, quick_progress)
        )

    def ending(self, replica: Replica) -> Ending:
        """The state of the session as a replica reports it."""
        ids = self.survey_id, self.session_id

        def look(
            state: SessionState, position: int
        ) -> tuple[dict[str, pb.Label], list[individuals_pb2.Individual], pb.Progress]:
            return dict(state.labels), state.named_individuals.messages(), full_progress(state, position)

        # first, since it may plan a round
        wanted = (QuestionRequest(name, 3, LEASE_S, ALL_KINDS) for name in ("anna", "ben"))
        asked = [replica.asking.next_pairs(*ids, each).questions for each in wanted]
        events = replica.sessions.events(*ids)
        # sessions that are compared differ in their ids
        events[0].created.session_id = ""
        held = [(lease.pair, lease.annotator_id) for lease in replica.leases.live(*ids)]
        looked = replica.sessions.folded(*ids).view(look)
        return Ending(events, *looked, held, [sorted(pairs_of(each)) for each in asked])

    def _call(self, work: Callable[[Replica], AnswerT]) -> AnswerT:
        self._clock.step += 1
        try:
            return work(self.replica())
        except UnavailableError:
            return work(self.replica())


def true_answers(
    questions: tuple[LeasedQuestion, ...], animals: dict[str, str], annotator_id: str
) -> pb.LabelsGiven:
    """True answers to questions of any kind."""
    given = pb.LabelsGiven()
    for leased in questions:
        first, *others = leased.detection_ids
        several = len({animals[i] for i in leased.detection_ids}) > 1
        if leased.question.kind is Kind.BURST and len(others) > 1 and several:
            given.mixed_bursts.add(detection_ids=leased.detection_ids)
            continue
        for other in others:
            same = animals[first] == animals[other]
            given.labels.add(
                first_detection_id=first,
                second_detection_id=other,
                answer=pb.ANSWER_SAME if same else pb.ANSWER_DIFFERENT,
                annotator_id=annotator_id,
            )
    return given


def pairs_of(questions: tuple[LeasedQuestion, ...]) -> Iterator[tuple[str, str]]:
    """The pairs that questions of any kind ask about, the smaller id first."""
    for leased in questions:
        id_of = dict(zip(leased.question.items, leased.detection_ids, strict=True))
        for query in leased.question.pairs:
            first, second = sorted((id_of[query.first], id_of[query.second]))
            yield first, second


def differences(one: Ending, other: Ending) -> list[str]:
    """Differences between two endings, by field."""
    return [field for field in Ending._fields if getattr(one, field) != getattr(other, field)]


def journalled(ending: Ending) -> list[pb.Label]:
    """All labels that a journal holds, also those that were taken back."""
    return [label for event in ending.events for label in event.labelled.labels]
