"""Matching of a survey's local features: an operation that runs beside the calls of a scorer.

Each block of scores is stored as soon as it is known. A matching that was stopped, or whose process died, is
begun again and goes on with the pairs that have no score yet.
"""

from __future__ import annotations

import threading

import numpy as np

from services.common.store import keys
from services.common.store.journal import Change
from services.common.store.store import Store
from services.common.survey.local_parts import content_name, part_changes
from services.common.survey.state import SurveyState
from services.common.survey.survey_operations import (
    Finish,
    OperationKind,
    RunningOperation,
    SurveyOperations,
)
from services.scorer.local.requests import MatchingQuery
from services.scorer.local_scores.matched_surveys import MatchedSurveys
from services.scorer.local_scores.score_blocks import encode_block
from services.scorer.scored_surveys import ScoredSurvey, ScoredSurveys
from services.scorer.surveys import Surveys
from spotted import messages
from spotted.errors import PreconditionError
from spotted.local_features.matching.normalisers import Normalisers
from spotted.matching.shortlists import (
    MatchedBlock,
    default_candidates,
    draw_normalisers,
    match_pairs,
    pairs_to_match,
)
from spotted.v1 import local_features_pb2, store_pb2
from spotted.v1 import operations_pb2 as pb

MATCH = "MatchLocalFeatures"


class Matchings:
    """Begins matchings; each runs in a thread of its own."""

    def __init__(
        self,
        store: Store,
        surveys: Surveys,
        scored: ScoredSurveys,
        matched: MatchedSurveys,
        *,
        threads: int = 1,
    ) -> None:
        self._surveys = surveys
        self._scored = scored
        self._matched = matched
        self._operations = SurveyOperations(store, OperationKind(MATCH, "matching", keys.matching))
        self._threads = threads

    def begin(self, query: MatchingQuery, request_id: str) -> pb.Operation:
        """Begin a matching; a repeat of the request returns the first operation.

        Raises RequestIdReusedError, NotFoundError for the survey, and PreconditionError if there is nothing
        to match, or a matching of it is already running.
        """
        asked = self._operations.ask(query.survey_id, request_id)
        if (first := asked.first()) is not None:
            return first
        scored = self._scored.get(query.survey_id)
        _check(scored)
        self._matched.method(scored.snapshot)
        running = asked.begin("listing the pairs")
        answer = pb.Operation()
        answer.CopyFrom(running.operation)
        threading.Thread(
            target=running.run,
            args=(lambda: self._match(running, query, scored),),
            kwargs={
                "cancelled": "cancelled; what was matched is kept",
                "failed": "it failed; see the log of the scorer",
            },
            name="matching",
            daemon=True,
        ).start()
        return answer

    def matched_points(
        self, scored: ScoredSurvey, first_id: str, second_id: str
    ) -> list[local_features_pb2.MatchedPoint]:
        """The matched marks of a pair that was matched, as positions in both crops."""
        snapshot, local = scored.snapshot, scored.gallery.local
        rows = np.array([snapshot.row(first_id)]), np.array([snapshot.row(second_id)])
        if local is None or not local.marks_of(*rows)[0] > 0:
            return []
        found = self._matched.match(snapshot, first_id, second_id)
        if found is None:
            return []
        matches, first, second = found
        points = np.hstack([matches.points_a / first.size, matches.points_b / second.size])
        return messages.matched_points(points, matches.weights)

    def _match(self, running: RunningOperation, query: MatchingQuery, scored: ScoredSurvey) -> Finish:
        snapshot = scored.snapshot
        rows, fresh = self._matched.feature_rows(snapshot), None
        if query.renew or not snapshot.local.normalisers:
            fresh = draw_normalisers(self._matched.method(snapshot), rows)
        matcher = self._matched.matcher(snapshot, fresh)
        known = None if fresh is not None else self._matched.pairs(snapshot)
        by_size = default_candidates(len(snapshot.local.keys), self._matched.method(snapshot).matcher)
        k = query.candidates or by_size
        pairs = pairs_to_match(rows.ready, scored.ranker, k, known, threads=self._threads)
        count, progress = 0, _Progress(running, len(pairs[0]))
        blocks = match_pairs(rows, matcher, pairs, threads=self._threads, on_progress=progress.add)
        for block in blocks:
            self._put(query.survey_id, scored, block, fresh)
            fresh, count = None, count + len(block.first)
        return Finish(str(count), f"{count} pairs matched")

    def _put(
        self, survey_id: str, scored: ScoredSurvey, block: MatchedBlock, normalisers: Normalisers | None
    ) -> None:
        """Store a block of scores. normalisers: those of the first block, which drops what was there."""
        snapshot = scored.snapshot
        all_keys = [snapshot.local.keys.get(d.detection_id, b"") for d in snapshot.detections]
        content = encode_block(all_keys, block.first, block.second, block.scores, block.marks)
        added = local_features_pb2.LocalScoresAdded(name=content_name("s", content), pairs=len(block.first))
        stored = {added.name: content}
        if normalisers is not None:
            frozen = normalisers.to_bytes()
            added.normalisers = content_name("n", frozen)
            stored[added.normalisers] = frozen

        def decide(state: SurveyState) -> Change:
            if state.uid != snapshot.survey.uid or state.local.spec != snapshot.survey.local_features:
                raise PreconditionError(
                    f"survey {survey_id!r} was created again, or got local features of another method, since "
                    "its matching began; match it again"
                )
            gone = set(state.local.score_names()) - set(stored) if normalisers is not None else ()
            entry = self._surveys.entry(store_pb2.SurveyEvent(local_scores=added))
            return Change(entry, b"", part_changes(survey_id, dropped_names=gone, stored=stored))

        self._surveys.folded(survey_id).change(decide, scope=MATCH)


class _Progress:
    """Progress of a matching."""

    def __init__(self, running: RunningOperation, total: int) -> None:
        self._running = running
        self._total = total
        self._done = 0

    def add(self, count: int) -> None:
        """Count pairs. Raises OperationCancelled if the matching was cancelled."""
        self._done += count
        if self._running.due:
            share = self._done / max(self._total, 1)
            self._running.report(share, f"{self._done} of {self._total} pairs matched")


def _check(scored: ScoredSurvey) -> None:
    """Raise PreconditionError unless the survey has features that may match."""
    survey = scored.snapshot.survey
    if survey.local_feature_count < 2:  # noqa: PLR2004 - a pair
        raise PreconditionError(
            f"survey {survey.survey_id!r} has {survey.local_feature_count} detections with local features; "
            f"extract them first, e.g. with `spotted embed {survey.survey_id} --local hotspotter`"
        )
