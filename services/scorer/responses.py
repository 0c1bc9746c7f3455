"""Results of the scorer as responses of the contract."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from services.common.rpc import checks
from services.common.survey.history import DetectionChange
from services.scorer.candidates import CandidateList, Explanation, ScoredCandidate
from services.scorer.scored_surveys import ScoredSurvey
from spotted import messages
from spotted.arrays import Float32Array
from spotted.calibration.model import Calibration
from spotted.errors import InvalidInputError
from spotted.ranking.ranker import Ranked
from spotted.scoring.fusion import Fusion
from spotted.scoring.pair_scores import PairScores
from spotted.v1 import corrections_pb2, local_features_pb2, survey_pb2
from spotted.v1 import scorer_pb2 as pb

# a candidate takes about 100 bytes
MESSAGE_BYTES = 200 * 1024
# two rows and three scores of 4 bytes each
COLUMN_CANDIDATES = checks.PAGE_BYTES // 20
# dtype of a row of the survey
ROW = np.dtype("<i4")

ListT = TypeVar("ListT")


def fitted(
    calibration: Calibration, shortage: str, fitted_on: survey_pb2.ScoreSpec
) -> pb.FitCalibrationResponse:
    """The fitted calibration, with the spec of the scores that use it and without the survey.

    shortage: which labels are missing, "" if none.
    """
    spec = survey_pb2.ScoreSpec()
    spec.CopyFrom(fitted_on)
    spec.calibration_digest = calibration.digest
    return pb.FitCalibrationResponse(
        reason=shortage,
        kind=pb.CalibrationKind.ValueType(calibration.kind),
        same_pairs=calibration.same_pairs,
        different_pairs=calibration.different_pairs,
        individuals=calibration.individuals,
        held_out_error=calibration.held_out_ece or 0.0,
        held_out_gain=calibration.held_out_gain,
        score_spec=spec,
    )


def candidate_list(one: CandidateList) -> pb.CandidateList:
    """A detection's candidates as a message. Raises InvalidInputError if one message cannot hold them."""
    message = pb.CandidateList(
        detection_id=one.detection_id,
        candidates=[_candidate(candidate) for candidate in one.candidates],
        compared=one.compared,
        excluded=[
            pb.Exclusion(rule=pb.CandidateRule.ValueType(rule), detections=count)
            for rule, count in one.excluded
        ],
    )
    if message.ByteSize() > checks.ANSWER_BYTES:
        raise InvalidInputError(
            f"the {len(one.candidates)} candidates of {one.detection_id!r} take {message.ByteSize()} bytes, "
            f"more than the {checks.ANSWER_BYTES} of a message; lower top_k, or ask for columns",
            field="top_k",
        )
    return message


def pair_scores(scores: PairScores, spec: survey_pb2.ScoreSpec) -> pb.ScorePairsResponse:
    """The scores of pairs as columns."""
    return pb.ScorePairsResponse(
        visual=messages.tensor(scores.visual),
        feasibility=messages.tensor(scores.feasibility),
        fused=messages.tensor(scores.fused),
        score_spec=spec,
    )


def explanation(
    pair: Explanation, spec: survey_pb2.ScoreSpec, points: Sequence[local_features_pb2.MatchedPoint]
) -> pb.ExplainPairResponse:
    """Everything known about one pair as a message."""
    return pb.ExplainPairResponse(
        visual=pair.candidate.visual,
        feasibility=pair.candidate.feasibility,
        fused=pair.candidate.fused,
        distance_m=pair.distance_m,
        gap_s=pair.gap_s,
        needed_speed_kmh=pair.needed_speed_kmh,
        percentile=pair.percentile,
        reason=pair.candidate.reason,
        score_spec=spec,
        station=pair.station,
        local=pair.candidate.local,
        matched_marks=pair.candidate.marks,
        matched_points=points,
    )


def list_responses(
    lists: Iterator[CandidateList], scored: ScoredSurvey, fusion: Fusion
) -> Iterator[pb.GetCandidatesResponse]:
    """Candidates with scores and reasons as messages."""
    for batch in batches(map(candidate_list, lists), pb.CandidateList.ByteSize, MESSAGE_BYTES):
        yield pb.GetCandidatesResponse(
            lists=batch,
            score_spec=scored.spec(fusion),
            revision=scored.snapshot.survey.revision,
        )


def column_responses(
    lists: Iterator[Ranked], scored: ScoredSurvey, fusion: Fusion
) -> Iterator[pb.GetCandidatesResponse]:
    """Candidates as messages of columns near 1 MiB, at least one."""
    spec, revision = scored.spec(fusion), scored.snapshot.survey.revision
    groups = batches(lists, lambda one: len(one.rows), COLUMN_CANDIDATES)
    # at least one message, so that the revision is always sent
    for batch in itertools.chain([next(groups, [])], groups):
        yield pb.GetCandidatesResponse(columns=candidate_columns(batch), score_spec=spec, revision=revision)


def candidate_columns(lists: Sequence[Ranked]) -> pb.CandidateColumns:
    """Concatenated lists as columns."""
    lengths = np.array([len(one.rows) for one in lists], np.int64)
    queries = np.repeat(np.array([one.query for one in lists], ROW), lengths)
    return pb.CandidateColumns(
        query_rows=queries.tobytes(),
        candidate_rows=b"".join(one.rows.astype(ROW).tobytes() for one in lists),
        visual=_concatenated(one.scores.visual for one in lists),
        feasibility=_concatenated(one.scores.feasibility for one in lists),
        fused=_concatenated(one.scores.fused for one in lists),
    )


def batches(lists: Iterator[ListT], length: Callable[[ListT], int], most: int) -> Iterator[list[ListT]]:
    """Lists in groups of at most `most` in length, one group per message; a list is never split.

    A list counts for one more than its length, so that empty lists fill a message too.
    """
    batch: list[ListT] = []
    held = 0
    for one in lists:
        size = 1 + length(one)
        if batch and held + size > most:
            yield batch
            batch, held = [], 0
        batch.append(one)
        held += size
    if batch:
        yield batch


def detections_response(request: pb.ListDetectionsRequest, scored: ScoredSurvey) -> pb.ListDetectionsResponse:
    """A page of detections of about 1 MiB at most, with their vectors if requested."""
    stored = scored.snapshot.detections
    largest = 1000 if request.include_embeddings else 10_000
    size = checks.page_size(request.page_size, default=1000, largest=largest)
    arguments = request.page_token, "detections", request.survey_id
    rows, token = checks.page(range(len(stored)), size, *arguments)
    page = [messages.detection_message(stored[row]) for row in rows]
    embeddings = scored.snapshot.base if request.base_embeddings else scored.gallery.embeddings
    row_bytes = 2 * embeddings.shape[1] if request.include_embeddings else 0
    fitting = checks.fitting([d.ByteSize() + row_bytes for d in page])
    if fitting < len(page):
        rows, token = checks.page(range(len(stored)), fitting, *arguments)
    vectors = embeddings[rows[0] : rows[-1] + 1] if rows else embeddings[:0]
    return pb.ListDetectionsResponse(
        detections=page[: len(rows)],
        embeddings=messages.tensor(vectors.astype(np.float16)) if request.include_embeddings else None,
        next_page_token=token,
        revision=scored.snapshot.survey.revision,
        changed=[
            corrections_pb2.DetectionChange(detection_id=i, stored=True, version=scored.snapshot.versions[i])
            for i in (stored[row].detection_id for row in rows)
            if i in scored.snapshot.versions
        ],
        with_local_features=[
            index for index, row in enumerate(rows) if stored[row].detection_id in scored.snapshot.local.keys
        ],
    )


def changes_response(
    request: corrections_pb2.ListDetectionChangesRequest,
    changes: Sequence[DetectionChange],
    survey: survey_pb2.Survey,
) -> corrections_pb2.ListDetectionChangesResponse:
    """A page of changes."""
    size = checks.page_size(request.page_size, default=1000, largest=10_000)
    arguments = "changes", request.survey_id, str(request.since_revision), str(survey.revision)
    page, token = checks.message_page(changes, change_message, size, request.page_token, *arguments)
    return corrections_pb2.ListDetectionChangesResponse(
        changes=page, next_page_token=token, revision=survey.revision, uid=survey.uid
    )


def change_message(change: DetectionChange) -> corrections_pb2.DetectionChange:
    """The present state of a detection that changed, as a message."""
    return corrections_pb2.DetectionChange(
        detection_id=change.detection_id, stored=change.stored, version=change.version
    )


def _concatenated(scores: Iterable[Float32Array]) -> survey_pb2.Tensor:
    return messages.tensor(np.concatenate([np.empty(0, np.float32), *scores]))


def _candidate(candidate: ScoredCandidate) -> pb.Candidate:
    return pb.Candidate(
        detection_id=candidate.detection_id,
        visual=candidate.visual,
        feasibility=candidate.feasibility,
        fused=candidate.fused,
        reason=candidate.reason,
        individual_id=candidate.individual_id,
        local=candidate.local,
        matched_marks=candidate.marks,
    )
