"""Results of the scorer as the contract's responses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from services.common import wire
from services.scorer.candidates import CandidateList, Evidence, Explanation
from services.scorer.galleries import Scored
from spotted import messages
from spotted.calibration import Calibration
from spotted.fusion import Fusion
from spotted.ranking import Scored as PairScores
from spotted.v1 import scorer_pb2 as pb
from spotted.v1 import survey_pb2

PAGE_BYTES = 1024 * 1024
# a candidate takes near 100 bytes, so a message some 200 KiB
MESSAGE_CANDIDATES = 2048


def fitted(
    survey: survey_pb2.Survey, calibration: Calibration, fitted_on: survey_pb2.ScoreSpec
) -> pb.FitCalibrationResponse:
    """What was learned, and that the scores it was fitted on are now made with it."""
    spec = survey_pb2.ScoreSpec()
    spec.CopyFrom(fitted_on)
    spec.calibration_digest = calibration.digest
    return pb.FitCalibrationResponse(
        survey=survey,
        same_pairs=calibration.same_pairs,
        different_pairs=calibration.different_pairs,
        individuals=calibration.individuals,
        held_out_error=calibration.held_out_ece,
        score_spec=spec,
    )


def candidate_list(one: CandidateList) -> pb.CandidateList:
    """A detection's candidates as a message."""
    return pb.CandidateList(
        detection_id=one.detection_id,
        candidates=[_candidate(evidence) for evidence in one.candidates],
        compared=one.compared,
        excluded=[
            pb.Exclusion(rule=pb.CandidateRule.ValueType(rule), detections=count)
            for rule, count in one.excluded
        ],
    )


def pair_scores(scores: PairScores, spec: survey_pb2.ScoreSpec) -> pb.ScorePairsResponse:
    """The scores of pairs as columns."""
    return pb.ScorePairsResponse(
        visual=messages.tensor(scores.visual),
        feasibility=messages.tensor(scores.feasibility),
        fused=messages.tensor(scores.fused),
        score_spec=spec,
    )


def explanation(found: Explanation, spec: survey_pb2.ScoreSpec) -> pb.ExplainPairResponse:
    """Everything known about one pair as a message."""
    return pb.ExplainPairResponse(
        visual=found.evidence.visual,
        feasibility=found.evidence.feasibility,
        fused=found.evidence.fused,
        distance_m=found.distance_m,
        gap_s=found.gap_s,
        needed_speed_kmh=found.needed_speed_kmh,
        percentile=found.percentile,
        reason=found.evidence.reason,
        score_spec=spec,
    )


def batches(lists: Iterator[CandidateList]) -> Iterator[list[CandidateList]]:
    """Lists in groups that make a message each; a list is never split."""
    batch: list[CandidateList] = []
    held = 0
    for one in lists:
        size = 1 + len(one.candidates)
        if batch and held + size > MESSAGE_CANDIDATES:
            yield batch
            batch, held = [], 0
        batch.append(one)
        held += size
    if batch:
        yield batch


def candidates_response(
    lists: Sequence[CandidateList], scored: Scored, fusion: Fusion
) -> pb.GetCandidatesResponse:
    """Some of the lists as a message."""
    return pb.GetCandidatesResponse(
        lists=[candidate_list(one) for one in lists],
        score_spec=scored.spec(fusion),
        revision=scored.snapshot.survey.revision,
    )


def detections_response(request: pb.ListDetectionsRequest, scored: Scored) -> pb.ListDetectionsResponse:
    """A page of detections near 1 MiB at most, with the vectors that are scored where asked for."""
    stored = scored.snapshot.detections
    largest = 1000 if request.include_embeddings else 10_000
    size = wire.page_size(request.page_size, default=1000, largest=largest)
    arguments = request.page_token, "detections", request.survey_id
    rows, token = wire.page(range(len(stored)), size, *arguments)
    found = [messages.detection_message(stored[row]) for row in rows]
    embeddings = scored.snapshot.base if request.base_embeddings else scored.gallery.embeddings
    row_bytes = 2 * embeddings.shape[1] if request.include_embeddings else 0
    fitting = _fitting([d.ByteSize() + row_bytes for d in found])
    if fitting < len(found):
        rows, token = wire.page(range(len(stored)), fitting, *arguments)
    vectors = embeddings[rows[0] : rows[-1] + 1] if rows else embeddings[:0]
    return pb.ListDetectionsResponse(
        detections=found[: len(rows)],
        embeddings=messages.tensor(vectors.astype(np.float16)) if request.include_embeddings else None,
        next_page_token=token,
        revision=scored.snapshot.survey.revision,
    )


def _fitting(sizes: Sequence[int]) -> int:
    """How many of the first items stay within PAGE_BYTES; at least one, so that a list goes on."""
    return max(1, int(np.searchsorted(np.cumsum(sizes), PAGE_BYTES, side="right")))


def _candidate(evidence: Evidence) -> pb.Candidate:
    return pb.Candidate(
        detection_id=evidence.detection_id,
        visual=evidence.visual,
        feasibility=evidence.feasibility,
        fused=evidence.fused,
        reason=evidence.reason,
        individual_id=evidence.individual_id,
    )
