"""The next round of a session: planned from the scorer's candidates, and journalled once."""

from __future__ import annotations

import copy
import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from services.sampler.scoring import Scorer, SurveyScores
from services.sampler.state import SessionState
from spotted.sampling.rounds import Pair, Round, RoundQueue
from spotted.sampling.strategies import strategy
from spotted.survey import Detection
from spotted.v1 import sampler_pb2 as pb
from spotted.v1 import survey_pb2

# so many tables of scores are kept; others are read again when they are needed again
KEPT = 8
# few enough that a round follows the answers, many enough that a round is worth its planning
DEFAULT_TOP_K = 50


@dataclass(frozen=True, slots=True)
class Basis:
    """What a round is planned from, taken from the state in one look.

    excluding: pairs not to be asked now.
    """

    session: pb.Session
    queue: RoundQueue
    detection_ids: tuple[str, ...]
    top_k: int
    excluding: frozenset[Pair]


def basis(state: SessionState, excluding: frozenset[Pair]) -> Basis:
    """A copy of what a round is planned from, so that answers may go on meanwhile."""
    asked = state.session.strategy.top_k or DEFAULT_TOP_K
    top_k = state.planned.top_k if state.planned else asked
    queue = copy.deepcopy(state.queue)
    return Basis(state.session, queue, tuple(state.detection_ids), top_k, excluding)


class Planner:
    """Plans rounds; keeps the scores of the surveys it last read."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._scores: dict[tuple[str, bool, int], SurveyScores] = {}
        self._reading: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def plan(self, basis: Basis) -> pb.PlannedRound | None:
        """The round that follows, widening the candidates until it has a question; None where none has.

        Raises NotFoundError where the survey is gone, UnavailableError where the scorer does not answer.
        """
        top_k = basis.top_k
        while True:
            scores = self.scores(basis.session, top_k)
            planned = _plan(basis, scores)
            if planned.pairs:
                return planned
            if scores.complete:
                # new detections join even where they bring no question
                return planned if planned.added_detection_ids else None
            top_k = 2 * top_k

    def scores(self, session: pb.Session, top_k: int) -> SurveyScores:
        """A session's survey as it stands, read anew only where it changed."""
        retrains = session.strategy.retrain
        revision, _ = self._scorer.revision(session.survey_id)
        # by top_k too, so that a plan never depends on what another session made this process read
        key = (session.survey_id, retrains, top_k)
        with self._reading[session.survey_id]:
            kept = self._scores.pop(key, None)
            if kept is None or kept.revision != revision:
                kept = self._scorer.read(session.survey_id, top_k, with_embeddings=retrains)
            self._scores[key] = kept
            while len(self._scores) > KEPT:
                self._scores.pop(next(iter(self._scores)))
        return kept

    def kept(self, session: pb.Session, detection_ids: Sequence[str], top_k: int) -> SurveyScores:
        """Scores that know these detections, as they were last read, or as they are now."""
        kept = self._scores.get((session.survey_id, session.strategy.retrain, top_k))
        if kept is not None and all(i in kept.detections for i in detection_ids):
            return kept
        return self.scores(session, top_k)


def _plan(basis: Basis, scores: SurveyScores) -> pb.PlannedRound:
    known = set(basis.detection_ids)
    # by id: photographs are stored as they are ready, and that order must not decide a question
    added = sorted(i for i in scores.detections if i not in known)
    item_of = {i: item for item, i in enumerate((*basis.detection_ids, *added))}
    images = _image_pairs(scores.detections, set(added))
    queue = copy.deepcopy(basis.queue) if added else basis.queue
    queue.constraints.add_items(len(added))
    for first, second in images:
        queue.constraints.forbid(item_of[first], item_of[second])
    chosen = strategy(basis.session.strategy.strategy_id, **_parameters(basis.session.strategy))
    planned = queue.plan_next(
        chosen, scores.graph(item_of), seed=basis.session.seed, excluding=basis.excluding
    )
    return _message(planned, list(item_of), scores, added, images)


def _parameters(settings: pb.StrategySettings) -> dict[str, float | bool]:
    """The parameters that this strategy has and the session sets."""
    if settings.strategy_id not in {"spal", "confspal"}:
        return {}
    chosen: dict[str, float | bool] = {"retrain": settings.retrain}
    if settings.HasField("eps"):
        chosen["eps"] = settings.eps
    return chosen


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


def _message(
    planned: Round,
    ids: Sequence[str],
    scores: SurveyScores,
    added: Sequence[str],
    images: Sequence[tuple[str, str]],
) -> pb.PlannedRound:
    pairs = []
    for query in planned.pairs:
        first, second = sorted((ids[query.first], ids[query.second]))
        pairs.append(
            pb.PlannedPair(
                first_detection_id=first, second_detection_id=second, reason=query.reason, score=query.score
            )
        )
    return pb.PlannedRound(
        round=planned.number,
        survey_revision=scores.revision,
        top_k=scores.top_k,
        pairs=pairs,
        added_detection_ids=added,
        image_pairs=[survey_pb2.Pair(first_detection_id=a, second_detection_id=b) for a, b in images],
        kind=planned.kind,
        eps=planned.eps,
    )
