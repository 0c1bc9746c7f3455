"""What an annotator is asked next: leased questions of the present round, or of one planned now."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from services.common.store.journal import Change
from services.common.store.keys import SessionKey
from services.common.telemetry import metrics, tracing
from services.sampler.questions.choice import Choice, QuestionRequest, choose, excluded, round_number
from services.sampler.questions.detection_facts import Facts
from services.sampler.questions.planner import Planning
from services.sampler.scorer_client import SurveyFacts
from services.sampler.session import round_messages
from services.sampler.session.leases import IdPair, Lease, Leases
from services.sampler.session.sessions import Sessions
from services.sampler.session.state import Planned, SessionState
from spotted.errors import SpottedError
from spotted.sampling.audit import draw
from spotted.sampling.questions import Question
from spotted.v1 import sampler_pb2 as pb

# a plan that others keep overtaking is given up after so many tries
ATTEMPTS = 10
# random pairs of an audit; when all are answered another audit begins
AUDIT_PAIRS = 300
# sessions whose rounds are planned at one time
PLANS_AT_ONCE = 4

logger = logging.getLogger("spotted")


@dataclass(frozen=True, slots=True)
class Leased:
    """A question for an annotator: the ids of its items, its leases, and facts that know every detection."""

    question: Question
    detection_ids: tuple[str, ...]
    ends_s: float
    facts: SurveyFacts


@dataclass(frozen=True, slots=True)
class Asked:
    """The next questions; finished where nothing is left to ask, now and for anyone."""

    questions: tuple[Leased, ...]
    finished: bool


@dataclass(frozen=True, slots=True)
class _Plan:
    """A round that is being planned. The result is False where no question is left for this annotator."""

    annotator_id: str
    result: Future[bool]


class Asking:
    """Questions for annotators, over the sessions of a store."""

    def __init__(self, sessions: Sessions, planning: Planning, leases: Leases, facts: Facts) -> None:
        self._sessions = sessions
        self._planning = planning
        self._leases = leases
        self._facts = facts
        self._plans: dict[SessionKey, _Plan] = {}
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(PLANS_AT_ONCE, thread_name_prefix="plan")

    def next_pairs(self, survey_id: str, session_id: str, wanted: QuestionRequest) -> Asked:
        """The next questions for an annotator, planning a round where the present one is used up.

        A round that could be better is planned anew in the background, and served until then.
        """
        key = (survey_id, session_id)
        for _ in range(ATTEMPTS):
            served, choice = self._serve(key, wanted)
            if served:
                if choice.stale:
                    self._plan(key, wanted.annotator_id, choice.round)
                metrics.QUESTIONS.inc(len(served))
                return Asked(tuple(served), finished=False)
            if choice.questions:
                # another annotator was quicker: look again
                continue
            more = self._draw(key) if wanted.audit else self._planned(key, wanted.annotator_id, choice.round)
            if not more:
                return Asked((), finished=not choice.busy)
        return Asked((), finished=False)

    def close(self) -> None:
        """Take on no further plans."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _serve(self, key: SessionKey, wanted: QuestionRequest) -> tuple[list[Leased], Choice]:
        """Leased questions of the session as it stands."""
        live = self._leases.live(*key)

        def look(state: SessionState, _: int) -> tuple[Choice, list[tuple[str, ...]], Planned | None]:
            choice = choose(state, live, wanted)
            ids = [tuple(state.detection_ids[i] for i in q.items) for q in choice.questions]
            return choice, ids, state.planned

        choice, ids, planned = self._sessions.folded(*key).view(look)
        named = list(zip(choice.questions, ids, strict=True))
        pairs = [pair for question, items in named for pair in _pairs(question, items)]
        acquired = {
            lease.pair: lease
            for lease in self._leases.acquire(*key, wanted.annotator_id, pairs, wanted.lease_s)
        }
        if not acquired or planned is None:
            return [], choice
        facts = self._facts.knowing(key[0], planned.survey, [i for items in ids for i in items])
        leased = [
            Leased(question, items, _ends_s(acquired, _pairs(question, items)), facts)
            for question, items in named
            if all(pair in acquired for pair in _pairs(question, items))
        ]
        return leased, choice

    def _planned(self, key: SessionKey, annotator_id: str, after: int) -> bool:
        """Wait for the round after this one; False where no question is left for this annotator."""
        plan = self._plan(key, annotator_id, after)
        more = plan.result.result()
        # a plan for another annotator left out what that one skipped
        return more or plan.annotator_id != annotator_id

    def _plan(self, key: SessionKey, annotator_id: str, after: int) -> _Plan:
        """The plan that is being made, or one begun now."""
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
        """Plan and journal the round after this one, unless there is one; False where no question is left."""
        try:
            live = self._leases.live(*key)
            folded = self._sessions.folded(*key)
            present, excluding = folded.view(
                lambda state, _: (round_number(state), excluded(state, live, annotator_id))
            )
            if present != after:
                return True
            with tracing.span("plan"), metrics.PLANNING_SECONDS.time():
                planned = self._planning.plan(*key, excluding)
            if planned is None:
                return False
            # a round that another replica began meanwhile is to be looked at first
            if planned.round - 1 == after and folded.view(lambda state, _: _asks_the_same(state, planned)):
                return False
            entry = self._sessions.event(planned=planned)

            def decide(state: SessionState) -> Change:
                # another replica planned this round first: take its round
                is_next = round_number(state) == after == planned.round - 1
                return Change(entry if is_next else b"", b"new" if is_next else b"")

            if folded.change(decide, scope="PlanRound"):
                metrics.ROUNDS.inc()
        except SpottedError as error:
            metrics.PLANNING_FAILED.inc()
            # told to whoever waits; in the background nobody does
            logger.warning("no round of session %s of %s: %s", key[1], key[0], error)
            raise
        return True

    def _draw(self, key: SessionKey) -> bool:
        """Begin another random audit; False where every pair is known."""

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

        return self._sessions.folded(*key).change(decide, scope="DrawAudit") != b"none"


def _asks_the_same(state: SessionState, planned: pb.PlannedRound) -> bool:
    """Whether all of a round stands open in the one before it, so that it would help nobody."""
    present = state.queue.round
    if present is None or present.number != planned.round - 1 or state.queue.is_stale():
        return False
    standing = {(query.first, query.second) for query in state.queue.open_pairs()}
    pairs = round_messages.read_pairs(planned.first, planned.second)
    return not planned.added_detection_ids and standing.issuperset(pairs)


def _pairs(question: Question, detection_ids: Sequence[str]) -> list[IdPair]:
    """The pairs of a question by id, the smaller first."""
    id_of = dict(zip(question.items, detection_ids, strict=True))
    pairs = [sorted((id_of[query.first], id_of[query.second])) for query in question.pairs]
    return [(first, second) for first, second in pairs]


def _ends_s(acquired: dict[IdPair, Lease], pairs: Sequence[IdPair]) -> float:
    return min(acquired[pair].ends_s for pair in pairs)
