"""What an annotator is asked next: leased pairs of the present round, or of one planned now."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from services.common.journal import Change
from services.sampler.leases import IdPair, Lease, Leases
from services.sampler.planning import Planner, basis
from services.sampler.scoring import SurveyScores
from services.sampler.sessions import SessionKey, Sessions
from services.sampler.state import SessionState
from spotted.sampling.rounds import Pair, PairQuery

# a plan that others keep overtaking is given up after so many tries
ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Question:
    """A pair for an annotator, with its lease and the scores that know both detections."""

    pair: IdPair
    query: PairQuery
    lease: Lease
    scores: SurveyScores


@dataclass(frozen=True, slots=True)
class Asked:
    """The next questions; finished where nothing is left to ask, now and for anyone."""

    questions: tuple[Question, ...]
    finished: bool


class Asking:
    """Questions for annotators, over the sessions of a store."""

    def __init__(self, sessions: Sessions, planner: Planner, leases: Leases) -> None:
        self._sessions = sessions
        self._planner = planner
        self._leases = leases
        self._planning: defaultdict[SessionKey, threading.Lock] = defaultdict(threading.Lock)

    def next_pairs(
        self, survey_id: str, session_id: str, annotator_id: str, count: int, lease_s: float
    ) -> Asked:
        """The next questions for an annotator, planning a round where the present one is used up."""
        key = (survey_id, session_id)
        for _ in range(ATTEMPTS):
            served, busy = self._serve(key, annotator_id, count, lease_s)
            if served:
                return Asked(tuple(served), finished=False)
            if not self._plan(key, annotator_id):
                return Asked((), finished=not busy)
        return Asked((), finished=False)

    def _serve(
        self, key: SessionKey, annotator_id: str, count: int, lease_s: float
    ) -> tuple[list[Question], bool]:
        """Leased questions of the present round, and whether others hold open ones."""
        live = self._leases.live(*key)

        def look(state: SessionState, _: int) -> tuple[dict[IdPair, PairQuery], bool, SessionState]:
            queries, busy = _queries(state, live, annotator_id, count)
            named = {_named(state, query): query for query in queries}
            return named, busy, state

        queries, busy, state = self._sessions.folded(*key).view(look)
        acquired = self._leases.acquire(*key, annotator_id, list(queries), lease_s)
        if not acquired or state.planned is None:
            return [], busy
        ids = [i for pair in queries for i in pair]
        scores = self._planner.kept(state.session, ids, state.planned.top_k)
        return [Question(lease.pair, queries[lease.pair], lease, scores) for lease in acquired], busy

    def _plan(self, key: SessionKey, annotator_id: str) -> bool:
        """Plan and journal the next round, one at a time; False where no question is left."""
        folded = self._sessions.folded(*key)
        before = folded.view(lambda state, _: state.position)
        with self._planning[key]:
            if folded.view(lambda state, _: state.position) != before:
                # another thread planned, or an answer came, while this one waited
                return True
            live = self._leases.live(*key)
            start = folded.view(lambda state, _: basis(state, _excluded(state, live, annotator_id)))
            planned = self._planner.plan(start)
            if planned is None:
                return False
            entry = self._sessions.event(planned=planned)

            def decide(state: SessionState) -> Change:
                present = state.queue.round.number if state.queue.round else 0
                # another replica planned this round first: take its round
                return Change(entry if present == planned.round - 1 else b"", b"")

            folded.change(decide, scope="PlanRound")
        return True


def _queries(
    state: SessionState, live: Sequence[Lease], annotator_id: str, count: int
) -> tuple[list[PairQuery], bool]:
    """Open pairs of the round, first those that the annotator has leased, then free ones.

    And whether others may still answer something: what they hold, or what this annotator skipped.
    """
    held = set(_items(state, [x for x in live if x.annotator_id != annotator_id]))
    own = set(_items(state, [x for x in live if x.annotator_id == annotator_id]))
    busy = {pair for pair in held if state.is_open(pair)}
    skipped = state.skipped.get(annotator_id, set())
    planned = state.queue.round.pairs if state.queue.round else ()
    mine = [q for q in planned if (q.first, q.second) in own - skipped and state.is_open((q.first, q.second))]
    taken = busy | {(q.first, q.second) for q in mine[:count]}
    free = state.queue.next_open_pairs(count - len(mine[:count]), excluding=skipped, busy=taken)
    waits = bool(busy) or any(state.is_open(pair) for pair in skipped)
    return [*mine[:count], *free], waits


def _excluded(state: SessionState, live: Sequence[Lease], annotator_id: str) -> frozenset[Pair]:
    """What the next round must not ask: pairs on a screen, and those that this annotator skipped."""
    return frozenset(_items(state, live)) | frozenset(state.skipped.get(annotator_id, set()))


def _items(state: SessionState, leases: Sequence[Lease]) -> list[Pair]:
    """The leased pairs as items, the lower first."""
    items = [(state.item_of[x.pair[0]], state.item_of[x.pair[1]]) for x in leases]
    return [(min(pair), max(pair)) for pair in items]


def _named(state: SessionState, query: PairQuery) -> IdPair:
    first, second = sorted((state.detection_ids[query.first], state.detection_ids[query.second]))
    return first, second
