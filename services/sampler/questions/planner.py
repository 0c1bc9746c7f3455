"""Plans the next round of a session from the scorer's candidates; the round is stored once."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

import numpy as np

from services.common.session import round_messages
from services.common.store.keys import SessionKey
from services.sampler.facts.survey_read import read_survey
from services.sampler.session.defaults import LEARNING
from services.sampler.session.sessions import Sessions
from services.sampler.session.state import SessionState
from services.sampler.survey_values import Scorer, SurveyScores
from spotted.catalogue.foreign_ids import is_foreign
from spotted.constraints.interface import Constraints
from spotted.facts.pair_rows import pair_keys
from spotted.sampling.bursts import burst_groups
from spotted.sampling.candidate_graph import CandidateGraph, open_rows
from spotted.sampling.rounds import Pair, Strategy
from spotted.sampling.stopping import estimate_planned, estimate_remaining
from spotted.sampling.strategies.by_name import strategy
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.scorer_pb2 import CandidateFilter
from spotted.v1.session_facts_pb2 import SurveyRead

# number of score tables and graphs kept in memory; others are made again when needed
KEPT = 2
# candidates to start with: all pairs of a thousand detections, but at least this many per detection
CANDIDATES, LEAST_TOP_K = 1_000_000, 50
# if the best question has a lower probability, better ones may lie beyond the candidates
WIDEN_BELOW, MOST_CANDIDATES = 0.05, 4_000_000
# strategies that use embeddings
WITH_EMBEDDINGS = frozenset({"learned"})

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Planning(Protocol):
    """Plans rounds, in this process or in another."""

    def plan(self, survey_id: str, session_id: str, excluding: frozenset[Pair]) -> pb.PlannedRound | None:
        """Plan the round after the session's current one; None if no question is left.

        excluding: pairs not to ask now. Raises NotFoundError, UnavailableError.
        """


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A session's strategy and the candidate graph over its items, made from these scores."""

    session: pb.Session
    scores: SurveyScores
    item_of: dict[str, int]
    """The item of each detection, of those that are gone too."""
    graph: CandidateGraph
    chosen: Strategy


class Planner:
    """Plans rounds in this process; keeps the scores and graphs used last."""

    def __init__(self, sessions: Sessions, scorer: Scorer) -> None:
        self._sessions = sessions
        self._scorer = scorer
        self._scores: dict[tuple[str, bool, int, bytes, tuple[str, ...]], SurveyScores] = {}
        self._prepared: dict[SessionKey, _Prepared] = {}
        self._lock = threading.RLock()

    def plan(self, survey_id: str, session_id: str, excluding: frozenset[Pair]) -> pb.PlannedRound | None:
        """Plan the next round, with more candidates until it has a question; None if it has none."""
        folded = self._sessions.folded(survey_id, session_id)
        session, top_k = folded.view(
            lambda state, _: (state.session, state.planned.top_k if state.planned else None)
        )
        with self._lock:
            while True:
                scores = self._read(session, top_k)
                planned = folded.view(partial(self._plan, scores, excluding))
                if not (_is_poor(planned) and _can_widen(scores)):
                    return planned if planned.first or planned.added_detection_ids else None
                top_k = 2 * scores.top_k

    def _read(self, session: pb.Session, top_k: int | None) -> SurveyScores:
        """The current scores of a session's survey, read again only if the survey changed."""
        with_embeddings = session.strategy.strategy_id in WITH_EMBEDDINGS or session.strategy.retrain
        version, count = self._scorer.version(session.survey_id)
        top_k = top_k or session.strategy.top_k or max(LEAST_TOP_K, CANDIDATES // max(count, 1))
        # a detection has at most count - 1 candidates
        top_k = min(top_k, max(count - 1, 1))
        only = _candidate_filter(session)
        # top_k is part of the key, so that a plan never depends on what other sessions made this process read
        drawn = tuple(session.catalogue_survey_ids)
        key = (session.survey_id, with_embeddings, top_k, only.SerializeToString() if only else b"", drawn)
        scores = self._scores.pop(key, None)
        members = self._sessions.drawing.members(session, with_embeddings=with_embeddings)
        digest = members.digest if members else ""
        if scores is None or (scores.version, scores.members_digest) != (version, digest):
            survey_id = session.survey_id
            scores = self._scorer.read(survey_id, top_k, with_embeddings=with_embeddings, only=only)
            scores = self._sessions.drawing.scored(session, scores, members)
        _keep(self._scores, key, scores)
        return scores

    def _plan(
        self, scores: SurveyScores, excluding: frozenset[Pair], state: SessionState, _: int
    ) -> pb.PlannedRound:
        # members of the catalogue are taken in before a question is asked, not by rounds
        new = {i for i in scores.detections.keys() - state.roster.item_of.keys() if not is_foreign(i)}
        read = read_survey(state.session, state.roster, scores, before=state.survey, among=new)
        added = read.added_detection_ids
        ready = self._prepare(state, scores, added)
        # the state must not be altered here; only a session with new detections needs a copy
        queue = _with_added(state, read).queue if added else state.queue
        planned = queue.plan_next(ready.chosen, ready.graph, seed=state.session.seed, excluding=excluding)
        message = pb.PlannedRound(
            survey_uid=scores.version.uid,
            survey_revision=scores.version.revision,
            top_k=scores.top_k,
            added_detection_ids=added,
            image_pairs=read.image_pairs,
            facts=read.facts if read.facts.detections else None,
            versions=read.versions,
            bursts=_bursts(ready, {*state.detection_ids[state.planned_items :], *added}),
            open_pairs=_open_pairs(ready.graph, queue.constraints, state.roster.foreign),
        )
        remaining = (
            estimate_planned(planned.expected, queue.constraints.decisions())
            if planned.expected
            else estimate_remaining(ready.graph, queue.constraints)
        )
        if remaining is not None:
            # a photograph that shows an animal of the catalogue makes one pair with it
            drawn = bool(state.roster.foreign)
            message.expected_pairs = remaining.component_pairs if drawn else remaining.image_pairs
        round_messages.write(planned, message)
        return message

    def _prepare(self, state: SessionState, scores: SurveyScores, added: Sequence[str]) -> _Prepared:
        key = (state.session.survey_id, state.session.session_id)
        ready = self._prepared.pop(key, None)
        start = len(state.detection_ids)
        item_of = state.roster.item_of | {i: item for item, i in enumerate(added, start)}
        # a session that was deleted and created again differs by its creation time
        matches = ready and ready.session == state.session and ready.scores is scores
        if ready is None or not matches or ready.item_of != item_of:
            settings = state.session.strategy
            chosen = strategy(settings.strategy_id, **_parameters(settings))
            graph = scores.graph(item_of, start + len(added))
            ready = _Prepared(state.session, scores, item_of, graph, chosen)
        _keep(self._prepared, key, ready)
        return ready


def _with_added(state: SessionState, read: SurveyRead) -> SessionState:
    """A state with these detections, to plan with; the session's own does not change."""
    grown = state.copied()
    grown.take_in(read)
    return grown


def _candidate_filter(session: pb.Session) -> CandidateFilter | None:
    """The filter of a session's candidates; None without rules, since then the scorer has the lists ready."""
    if session.filter == CandidateFilter():
        return None
    only = CandidateFilter()
    only.CopyFrom(session.filter)
    only.comparable_sides_only = not session.ask_opposite_flanks
    return only


def _keep(cache: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    """Put the value last and drop the least recently used ones."""
    cache[key] = value
    while len(cache) > KEPT:
        cache.pop(next(iter(cache)))


def _is_poor(planned: pb.PlannedRound) -> bool:
    """Whether more candidates may give better questions."""
    if not planned.first:
        return True
    return planned.kind == "learned" and round_messages.best_score(planned) < WIDEN_BELOW


def _can_widen(scores: SurveyScores) -> bool:
    return not scores.complete and scores.top_k * len(scores.detections) <= MOST_CANDIDATES


def _open_pairs(graph: CandidateGraph, constraints: Constraints, foreign: Collection[int]) -> int:
    """Number of candidate pairs that are open; an animal of the catalogue counts once for a photograph.

    foreign: the items that are members of the catalogue, which one answer decides together.
    """
    rows = np.flatnonzero(open_rows(graph, constraints))
    shown, members = np.arange(graph.n), np.array(sorted(foreign), dtype=np.int64)
    shown[members] = constraints.component_ids()[members]
    return len(np.unique(pair_keys(graph.n, shown[graph.first[rows]], shown[graph.second[rows]])))


def _parameters(settings: pb.StrategySettings) -> dict[str, float | bool]:
    """The parameters of the strategy that the session sets."""
    if settings.strategy_id not in LEARNING:
        return {}
    chosen: dict[str, float | bool] = {"retrain": settings.retrain}
    if settings.HasField("eps"):
        chosen["eps"] = settings.eps
    return chosen


def _bursts(ready: _Prepared, added: set[str]) -> list[pb.DetectionSet]:
    """The bursts with a new detection, if the session's strategy uses positions and times."""
    graph = ready.graph
    if graph.table is None or graph.embeddings is None or not added:
        return []
    ids = {item: detection_id for detection_id, item in ready.item_of.items()}
    groups = ([ids[item] for item in frames] for frames in burst_groups(graph.table, graph.embeddings))
    return [pb.DetectionSet(detection_ids=frames) for frames in groups if not added.isdisjoint(frames)]
