"""The next questions for an annotator: leased from the current round, or from one planned now."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from services.common.rpc import checks
from services.common.session import round_messages
from services.common.store.journal import Change
from services.common.store.keys import SessionKey
from services.common.telemetry import metrics, tracing
from services.sampler.questions.choice import (
    Choice,
    QuestionRequest,
    choose,
    excluded,
    is_outdated,
    round_number,
)
from services.sampler.questions.detection_facts import DetectionFacts
from services.sampler.questions.planner import Planning
from services.sampler.session.leases import IdPair, Lease, Leases
from services.sampler.session.sessions import Sessions
from services.sampler.session.state import SessionState
from services.sampler.survey_values import SurveyFacts, Version
from spotted import messages
from spotted.catalogue.foreign_ids import is_foreign
from spotted.errors import SpottedError
from spotted.sampling.audit import draw
from spotted.sampling.questions import Question
from spotted.survey import Detection
from spotted.v1 import sampler_pb2 as pb

# attempts to lease questions before other annotators, or to plan a round before other replicas
ATTEMPTS = 10
# random pairs of an audit; when all are answered, another audit begins
AUDIT_PAIRS = 300
# sessions for which a round is planned at the same time
PLANS_AT_ONCE = 4
# the largest question, a burst of a hundred detections with the longest fields, takes 1.4 MB
ANSWER_BYTES = 2 << 20
# the numbers, times and station of a question, and the length, score and version of each of its detections
QUESTION_BYTES, NUMBERS_BYTES = 80 + 4 * checks.ID_LENGTH, 18

logger = logging.getLogger("spotted")


@dataclass(frozen=True, slots=True)
class LeasedQuestion:
    """A question leased to an annotator."""

    question: Question
    detection_ids: tuple[str, ...]
    """The ids of the question's items, in their order."""
    ends_s: float
    """When its first lease expires, UTC seconds since 1970."""
    facts: SurveyFacts
    """The survey's detections and cameras; a detection that was deleted since is missing."""


@dataclass(frozen=True, slots=True)
class QuestionBatch:
    """The next questions for an annotator."""

    questions: tuple[LeasedQuestion, ...]
    finished: bool
    """Whether nothing is left to ask, for any annotator."""
    notice: str = ""
    """For an annotator who has not answered yet although others have; see `notices`."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """A round that is being planned."""

    annotator_id: str
    result: Future[bool]
    """False if no question is left for this annotator."""


class NextQuestions:
    """The next questions of the sessions of a store."""

    def __init__(self, sessions: Sessions, planning: Planning, leases: Leases, facts: DetectionFacts) -> None:
        self._sessions = sessions
        self._planning = planning
        self._leases = leases
        self._facts = facts
        self._plans: dict[SessionKey, _Plan] = {}
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(PLANS_AT_ONCE, thread_name_prefix="plan")

    def next_pairs(self, survey_id: str, session_id: str, wanted: QuestionRequest) -> QuestionBatch:
        """Lease the next questions to an annotator; plans a round when the current one is used up.

        If a newer round would be better, it is planned in the background and the current one is served
        until then.
        """
        key = (survey_id, session_id)
        for _ in range(ATTEMPTS):
            served, choice = self._serve(key, wanted)
            if served:
                if choice.stale:
                    self._plan(key, wanted.annotator_id, choice.round)
                metrics.QUESTIONS.inc(len(served))
                return QuestionBatch(tuple(served), finished=False, notice=choice.notice)
            if choice.questions:
                # another annotator leased them first: choose again
                continue
            if wanted.audit:
                more = self._draw_audit(key)
            else:
                more = self._await_plan(key, wanted.annotator_id, choice.round)
            if not more:
                return QuestionBatch((), finished=not choice.busy)
        return QuestionBatch((), finished=False)

    def release(self, survey_id: str, session_id: str, annotator_id: str) -> int:
        """End the leases of an annotator; returns how many there were. Raises NotFoundError."""
        self._sessions.get(survey_id, session_id)
        return self._leases.release(survey_id, session_id, annotator_id)

    def close(self) -> None:
        """Accept no further plans."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _serve(self, key: SessionKey, wanted: QuestionRequest) -> tuple[list[LeasedQuestion], Choice]:
        """Choose and lease questions of the session in its current state."""
        live = self._leases.live(*key)
        folded = self._sessions.current(*key)

        def look(
            state: SessionState, _: int
        ) -> tuple[Choice, list[tuple[str, ...]], Version | None, str, pb.Session]:
            choice = choose(state, live, wanted)
            ids = [tuple(state.detection_ids[i] for i in q.items) for q in choice.questions]
            return choice, ids, state.survey, folded.generation, state.session

        choice, ids, survey, generation, session = folded.view(look)
        chosen = list(zip(choice.questions, ids, strict=True))
        if survey is None or not chosen:
            return [], choice
        named = [i for items in ids for i in items]
        facts = self._facts.including(key[0], survey, [i for i in named if not is_foreign(i)])
        if any(map(is_foreign, named)):
            drawing = self._sessions.drawing
            facts = drawing.beside(facts, drawing.members(session))
        # what does not fit into the answer is not leased
        chosen = chosen[: checks.fitting([_size(facts, *each) for each in chosen], ANSWER_BYTES)]
        pairs = [pair for question, items in chosen for pair in _pairs(question, items)]
        acquired = {
            lease.pair: lease
            for lease in self._leases.acquire(key, generation, wanted.annotator_id, pairs, wanted.lease_s)
        }
        leased = [
            LeasedQuestion(question, items, _ends_s(acquired, _pairs(question, items)), facts)
            for question, items in chosen
            if all(pair in acquired for pair in _pairs(question, items))
        ]
        return leased, choice

    def _await_plan(self, key: SessionKey, annotator_id: str, after: int) -> bool:
        """Wait for the round after this one; False if no question is left for this annotator."""
        plan = self._plan(key, annotator_id, after)
        more = plan.result.result()
        # a plan for another annotator excludes the pairs that annotator skipped
        return more or plan.annotator_id != annotator_id

    def _plan(self, key: SessionKey, annotator_id: str, after: int) -> _Plan:
        """The plan in progress, or one started now."""
        with self._lock:
            plan = self._plans.get(key)
            if plan is None:
                plan = _Plan(
                    annotator_id, self._threads.submit(tracing.carried(self._renew), key, annotator_id, after)
                )
                self._plans[key] = plan
                plan.result.add_done_callback(lambda _: self._plans.pop(key, None))
        return plan

    def _renew(self, key: SessionKey, annotator_id: str, after: int) -> bool:
        """Plan and store the round after this one, unless it exists; False if no question is left."""
        try:
            live = self._leases.live(*key)
            folded = self._sessions.folded(*key)
            current, excluding = folded.view(
                lambda state, _: (round_number(state), excluded(state, live, annotator_id))
            )
            if current != after:
                return True
            with tracing.span("plan"), metrics.PLANNING_SECONDS.time():
                planned = self._planning.plan(*key, excluding)
            if planned is None:
                return False
            # if another replica stored a round meanwhile, that round is served first
            if planned.round - 1 == after and folded.view(lambda state, _: _asks_the_same(state, planned)):
                return False
            entry = self._sessions.event(planned=planned)

            def decide(state: SessionState) -> Change:
                # if another replica planned this round first, its round is used
                is_next = round_number(state) == after == planned.round - 1 and _is_current(state, planned)
                return Change(entry if is_next else b"", b"new" if is_next else b"")

            if folded.change(decide, scope="PlanRound").value:
                metrics.ROUNDS.inc()
        except SpottedError as error:
            metrics.PLANNING_FAILED.inc()
            # waiting callers get the error; a plan in the background has none
            logger.warning("cannot plan a round of session %s of survey %s: %s", key[1], key[0], error)
            raise
        return True

    def _draw_audit(self, key: SessionKey) -> bool:
        """Begin another random audit, unless one is open; False if every pair is known."""

        def decide(state: SessionState) -> Change:
            constraints = state.constraints
            if any(state.is_open(pair) for pair in state.audit.pairs):
                return Change(b"", b"")
            rng = np.random.default_rng((state.session.seed, state.position))
            pairs = draw(constraints, rng, AUDIT_PAIRS)
            if not pairs:
                return Change(b"", b"none")
            first, second = round_messages.pair_columns(pairs)
            drawn = pb.AuditDrawn(first=first, second=second, open_pairs=constraints.open_component_pairs)
            return Change(self._sessions.event(audit=drawn), b"")

        return self._sessions.folded(*key).change(decide, scope="DrawAudit").value != b"none"


def _is_current(state: SessionState, planned: pb.PlannedRound) -> bool:
    """Whether the session has taken in nothing of its survey that a round was planned without."""
    known = state.survey
    if known is not None and known.uid == planned.survey_uid and known.revision > planned.survey_revision:
        return False
    return state.roster.item_of.keys().isdisjoint(planned.added_detection_ids)


def _asks_the_same(state: SessionState, planned: pb.PlannedRound) -> bool:
    """Whether all pairs of a round are open in the round before it, so that it adds nothing."""
    current = state.queue.round
    if current is None or current.number != planned.round - 1:
        return False
    if state.queue.is_stale() or is_outdated(state):
        return False
    open_pairs = {(query.first, query.second) for query in state.queue.open_pairs()}
    pairs = round_messages.read_pairs(planned.first, planned.second)
    pairs = pairs[: len(pairs) - planned.beside]
    return not planned.added_detection_ids and open_pairs.issuperset(pairs)


def _pairs(question: Question, detection_ids: Sequence[str]) -> list[IdPair]:
    """The pairs of a question by id, the smaller first."""
    id_of = dict(zip(question.items, detection_ids, strict=True))
    pairs = [sorted((id_of[query.first], id_of[query.second])) for query in question.pairs]
    return [(first, second) for first, second in pairs]


def _size(facts: SurveyFacts, question: Question, detection_ids: Sequence[str]) -> int:
    """Size of a question as a message, bytes."""
    shown = [facts.detections.get(i) or Detection(i) for i in detection_ids]
    texts = QUESTION_BYTES + len(question.pairs[0].reason.encode())
    return texts + sum(messages.detection_message(one).ByteSize() + NUMBERS_BYTES for one in shown)


def _ends_s(acquired: dict[IdPair, Lease], pairs: Sequence[IdPair]) -> float:
    return min(acquired[pair].ends_s for pair in pairs)
