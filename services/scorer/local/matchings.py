"""Matching of a survey's local features: an operation that runs beside the calls of a scorer.

Each block of scores is stored as soon as it is known. A matching that was stopped, or whose process died, is
begun again and goes on with the pairs that have no score yet.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import NamedTuple

import numpy as np

from services.common.store import keys
from services.common.store.journal import Change
from services.common.store.operations import Operations
from services.common.store.request_content import first_answer, keep
from services.common.store.store import Store
from services.common.survey.existence import Existence
from services.common.survey.local_parts import content_name, part_changes
from services.common.survey.state import SurveyState
from services.scorer.local.requests import MatchingQuery
from services.scorer.local.shortlists import MatchedBlock, draw_normalisers, match_pairs, pairs_to_match
from services.scorer.local_scores.matched_surveys import MatchedSurveys
from services.scorer.local_scores.score_blocks import encode_block
from services.scorer.scored_surveys import ScoredSurvey, ScoredSurveys
from services.scorer.surveys import Surveys
from spotted.errors import PreconditionError, SpottedError
from spotted.local_features.matching.normalisers import Normalisers
from spotted.v1 import local_features_pb2, store_pb2
from spotted.v1 import operations_pb2 as pb

MATCH = "MatchLocalFeatures"
# the mark of a running matching expires if its process dies; the matching renews it
MARK_TTL_S = 60
REPORT_EVERY_S = 1.0

logger = logging.getLogger("spotted")


class CancelledError(Exception):
    """The matching was asked to stop."""


class _Running(NamedTuple):
    """A matching in progress."""

    query: MatchingQuery
    operations: Operations
    operation: pb.Operation
    mark: str


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
        self._store = store
        self._surveys = surveys
        self._scored = scored
        self._matched = matched
        self._existence = Existence(store)
        self._operations = Operations(store, now=store.now)
        self._threads = threads

    def begin(self, query: MatchingQuery, request_id: str) -> pb.Operation:
        """Begin a matching; a repeat of the request returns the first operation.

        Raises RequestIdReusedError, NotFoundError for the survey, and PreconditionError if there is nothing
        to match, or a matching of it is already running.
        """
        survey_id = query.survey_id
        operations = self._operations.of(keys.owner(survey_id))
        generation = self._existence.generation(survey_id)
        request = keys.request(survey_id, f"{MATCH}:{generation}", request_id)
        if request_id and (kept := self._store.get(request)) is not None:
            return pb.Operation.FromString(first_answer(request, kept, request_id))
        scored = self._scored.get(survey_id)
        _check(scored)
        self._matched.method(scored.snapshot)
        operation = operations.begin("listing the pairs")
        mark = keys.matching(survey_id, generation)
        if not self._store.put(mark, operation.operation_id.encode(), ttl_s=MARK_TTL_S, only_new=True):
            operations.fail(operation, "another matching of this survey is running")
            raise PreconditionError(
                f"a matching of survey {survey_id!r} is already running; wait for it, or cancel it"
            )
        answer = operation.SerializeToString()
        if request_id:
            self._store.put(request, keep(request, answer), ttl_s=keys.REQUEST_TTL_S)
        running = _Running(query, operations, operation, mark)
        threading.Thread(target=self._run, args=(running, scored), name="matching", daemon=True).start()
        return pb.Operation.FromString(answer)

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
        return [
            local_features_pb2.MatchedPoint(
                first_x=x, first_y=y, second_x=other_x, second_y=other_y, weight=weight
            )
            for (x, y, other_x, other_y), weight in zip(
                points.tolist(), matches.weights.tolist(), strict=True
            )
        ]

    def _run(self, running: _Running, scored: ScoredSurvey) -> None:
        """Match, store the scores, and end the operation as succeeded, failed or cancelled."""
        operation = running.operation
        try:
            count = self._match(running, scored)
            operation.result, operation.progress = str(count), 1.0
            self._end(running, pb.OPERATION_STATE_SUCCEEDED, f"{count} pairs matched")
        except CancelledError:
            self._end(running, pb.OPERATION_STATE_CANCELLED, "cancelled; what was matched is kept")
        except SpottedError as error:
            self._end(running, pb.OPERATION_STATE_FAILED, str(error))
        except Exception:
            logger.exception("matching of survey %s failed", running.query.survey_id)
            self._end(running, pb.OPERATION_STATE_FAILED, "it failed; see the log of the scorer")

    def _match(self, running: _Running, scored: ScoredSurvey) -> int:
        snapshot, query = scored.snapshot, running.query
        fresh: Normalisers | None = None
        if query.renew or not snapshot.local.normalisers:
            fresh = draw_normalisers(snapshot, self._matched)
        matcher = self._matched.matcher(snapshot, fresh)
        known = None if fresh is not None else self._matched.pairs(snapshot)
        pairs = pairs_to_match(snapshot, scored.ranker, query.candidates, known, threads=self._threads)
        total, count, report = len(pairs[0]), 0, _Report(running, self._store, len(pairs[0]))
        blocks = match_pairs(
            snapshot, self._matched, matcher, pairs, threads=self._threads, on_progress=report.add
        )
        for block in blocks:
            self._put(query.survey_id, scored, block, fresh)
            fresh, count = None, count + len(block.first)
        report.done(total)
        return count

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

    def _end(self, running: _Running, state: pb.OperationState.ValueType, message: str) -> None:
        running.operation.state, running.operation.message = state, message
        # whoever sees the end may begin the next at once
        self._store.delete(running.mark)
        running.operations.put(running.operation)


class _Report:
    """Progress of a matching, in the store at most every second."""

    def __init__(self, running: _Running, store: Store, total: int) -> None:
        self._running = running
        self._store = store
        self._total = total
        self._done = 0
        self._reported_s = 0.0

    def add(self, count: int) -> None:
        """Count pairs; raises CancelledError if the matching was cancelled."""
        self._done += count
        if time.monotonic() - self._reported_s < REPORT_EVERY_S:
            return
        self._reported_s = time.monotonic()
        if self._running.operations.cancel_asked(self._running.operation.operation_id):
            raise CancelledError
        self.done(self._done)

    def done(self, count: int) -> None:
        """Store how many pairs are done."""
        operation = self._running.operation
        operation.progress = min(count / max(self._total, 1), 0.999)
        operation.message = f"{count} of {self._total} pairs matched"
        self._running.operations.put(operation)
        self._store.put(self._running.mark, operation.operation_id.encode(), ttl_s=MARK_TTL_S)


def _check(scored: ScoredSurvey) -> None:
    """Raise PreconditionError unless the survey has features that may match."""
    survey = scored.snapshot.survey
    if survey.local_feature_count < 2:  # noqa: PLR2004 - a pair
        raise PreconditionError(
            f"survey {survey.survey_id!r} has {survey.local_feature_count} detections with local features; "
            f"extract them first, e.g. with `spotted embed {survey.survey_id} --local hotspotter`"
        )
