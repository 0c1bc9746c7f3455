"""The next round of a session: planned from the scorer's candidates, to be journalled once."""

from __future__ import annotations

import copy
import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from services.common.store.keys import SessionKey
from services.sampler.scorer_client import Scorer, SurveyScores
from services.sampler.session import round_messages
from services.sampler.session.defaults import LEARNING
from services.sampler.session.sessions import Sessions
from services.sampler.session.state import SessionState
from spotted.sampling.bursts import burst_groups
from spotted.sampling.candidate_graph import CandidateGraph, open_rows
from spotted.sampling.rounds import Pair, Strategy
from spotted.sampling.stopping import estimate_planned, estimate_remaining
from spotted.sampling.strategies.by_name import strategy
from spotted.survey import Detection
from spotted.v1 import sampler_pb2 as pb
from spotted.v1 import survey_pb2

# so many tables of scores and graphs are kept; others are made again when they are needed again
KEPT = 2
# candidates to start with: all pairs of a thousand detections, and never fewer a detection than this
CANDIDATES, LEAST_TOP_K = 1_000_000, 50
# below this chance the best question is hardly one: better ones may lie beyond the candidates
WIDEN_BELOW, MOST_CANDIDATES = 0.05, 4_000_000
# what looks at embeddings
LOOKING = frozenset({"learned"})

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Planning(Protocol):
    """Where rounds are planned: in this process or in another."""

    def plan(self, survey_id: str, session_id: str, excluding: frozenset[Pair]) -> pb.PlannedRound | None:
        """The round that follows the session's present one; None where no question is left.

        excluding: pairs not to be asked now. Raises NotFoundError, UnavailableError.
        """


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A session's strategy and the graph over its items, made from these scores."""

    session: pb.Session
    scores: SurveyScores
    item_of: dict[str, int]
    graph: CandidateGraph
    chosen: Strategy


class Planner:
    """Plans rounds in this process; keeps the scores and graphs it last made."""

    def __init__(self, sessions: Sessions, scorer: Scorer) -> None:
        self._sessions = sessions
        self._scorer = scorer
        self._scores: dict[tuple[str, bool, int], SurveyScores] = {}
        self._prepared: dict[SessionKey, _Prepared] = {}
        self._lock = threading.RLock()

    def plan(self, survey_id: str, session_id: str, excluding: frozenset[Pair]) -> pb.PlannedRound | None:
        """The round that follows, widening the candidates until it has a question; None where none has."""
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
        """A session's survey as it stands, read anew only where it changed."""
        looks = session.strategy.strategy_id in LOOKING or session.strategy.retrain
        version, count = self._scorer.version(session.survey_id)
        top_k = top_k or session.strategy.top_k or max(LEAST_TOP_K, CANDIDATES // max(count, 1))
        # no list is longer than the others
        top_k = min(top_k, max(count - 1, 1))
        # by top_k too, so that a plan never depends on what another session made this process read
        key = (session.survey_id, looks, top_k)
        kept = self._scores.pop(key, None)
        if kept is None or kept.version != version:
            kept = self._scorer.read(session.survey_id, top_k, with_embeddings=looks)
        _keep(self._scores, key, kept)
        return kept

    def _plan(
        self, scores: SurveyScores, excluding: frozenset[Pair], state: SessionState, _: int
    ) -> pb.PlannedRound:
        # by id: photographs are stored as they are ready, and that order must not decide a question
        added = sorted(i for i in scores.detections if i not in state.item_of)
        ready = self._prepare(state, scores, added)
        images = _image_pairs(scores.detections, set(added))
        # only a session that grows needs a copy, since the state must not be altered here
        queue = state.queue.over(copy.deepcopy(state.constraints)) if added else state.queue
        queue.constraints.add_items(len(added))
        for first, second in images:
            queue.constraints.forbid(ready.item_of[first], ready.item_of[second])
        planned = queue.plan_next(ready.chosen, ready.graph, seed=state.session.seed, excluding=excluding)
        message = pb.PlannedRound(
            survey_uid=scores.version.uid,
            survey_revision=scores.version.revision,
            top_k=scores.top_k,
            added_detection_ids=added,
            image_pairs=[survey_pb2.Pair(first_detection_id=a, second_detection_id=b) for a, b in images],
            bursts=_bursts(ready, set(added)),
            open_pairs=int(open_rows(ready.graph, queue.constraints).sum()),
        )
        remaining = (
            estimate_planned(planned.expected, queue.constraints.decisions())
            if planned.expected
            else estimate_remaining(ready.graph, queue.constraints)
        )
        if remaining is not None:
            message.expected_pairs = remaining.image_pairs
        round_messages.write(planned, message)
        return message

    def _prepare(self, state: SessionState, scores: SurveyScores, added: Sequence[str]) -> _Prepared:
        key = (state.session.survey_id, state.session.session_id)
        kept = self._prepared.pop(key, None)
        known = len(state.detection_ids) + len(added)
        # a session that was deleted and opened again is another one, and says so by its time
        fits = kept and kept.session == state.session and kept.scores is scores
        if kept is None or not fits or len(kept.item_of) != known:
            item_of = {i: item for item, i in enumerate((*state.detection_ids, *added))}
            settings = state.session.strategy
            chosen = strategy(settings.strategy_id, **_parameters(settings))
            kept = _Prepared(state.session, scores, item_of, scores.graph(item_of), chosen)
        _keep(self._prepared, key, kept)
        return kept


def _keep(kept: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    """Put the value last and drop those that were not used for longest."""
    kept[key] = value
    while len(kept) > KEPT:
        kept.pop(next(iter(kept)))


def _is_poor(planned: pb.PlannedRound) -> bool:
    """Whether there may be better questions than these."""
    if not planned.first:
        return True
    return planned.kind == "learned" and round_messages.best_score(planned) < WIDEN_BELOW


def _can_widen(scores: SurveyScores) -> bool:
    return not scores.complete and scores.top_k * len(scores.detections) <= MOST_CANDIDATES


def _parameters(settings: pb.StrategySettings) -> dict[str, float | bool]:
    """The parameters that this strategy has and the session sets."""
    if settings.strategy_id not in LEARNING:
        return {}
    chosen: dict[str, float | bool] = {"retrain": settings.retrain}
    if settings.HasField("eps"):
        chosen["eps"] = settings.eps
    return chosen


def _bursts(ready: _Prepared, added: set[str]) -> list[pb.DetectionSet]:
    """The bursts that a new detection belongs to, where the session looks at places and times."""
    graph = ready.graph
    if graph.table is None or graph.embeddings is None or not added:
        return []
    ids = list(ready.item_of)
    groups = ([ids[item] for item in frames] for frames in burst_groups(graph.table, graph.embeddings))
    return [pb.DetectionSet(detection_ids=frames) for frames in groups if not added.isdisjoint(frames)]


def _image_pairs(detections: dict[str, Detection], added: set[str]) -> list[tuple[str, str]]:
    """Pairs of detections in one image of which at least one is new."""
    by_image: defaultdict[str, list[str]] = defaultdict(list)
    for detection_id, detection in detections.items():
        if detection.image_id:
            by_image[detection.image_id].append(detection_id)
    return [
        (first, second)
        for ids in by_image.values()
        for place, first in enumerate(ids)
        for second in ids[place + 1 :]
        if first in added or second in added
    ]
