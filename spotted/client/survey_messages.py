"""Messages about surveys, scores and candidates as values of the client, and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from spotted import messages
from spotted.calibration.kinds import CalibrationKind
from spotted.client.values.candidates import (
    Candidate,
    CandidateFilter,
    Candidates,
    MatchedPoint,
    PairExplanation,
)
from spotted.client.values.surveys import (
    AddedDetections,
    CalibrationFit,
    DeletedDetections,
    DetectionPage,
    DetectionUpdate,
    EmbeddingSpec,
    LocalFeatureSpec,
    RejectedDetection,
    ScoreSpec,
    SurveyInfo,
    UpdatedDetections,
)
from spotted.ranking.rules import CandidateRule
from spotted.scoring.fusion import Fusion
from spotted.v1 import corrections_pb2, scorer_pb2, survey_pb2

# the library's name ends in the unit
CAPTURED_AT = "captured_at"


def spec_message(spec: EmbeddingSpec) -> survey_pb2.EmbeddingSpec:
    """An embedding spec as a message."""
    return survey_pb2.EmbeddingSpec(
        backbone_digest=spec.backbone_digest,
        preprocessing_digest=spec.preprocessing_digest,
        dimension=spec.dimension,
        head_digest=spec.head_digest,
    )


def embedding_spec(message: survey_pb2.EmbeddingSpec) -> EmbeddingSpec:
    """An embedding spec from its message."""
    return EmbeddingSpec(
        message.backbone_digest, message.preprocessing_digest, message.dimension, message.head_digest
    )


def local_spec(message: survey_pb2.LocalFeatureSpec) -> LocalFeatureSpec:
    """A spec of local features from its message."""
    return LocalFeatureSpec(message.method, message.digest)


def score_spec(message: survey_pb2.ScoreSpec) -> ScoreSpec:
    """A score spec from its message."""
    return ScoreSpec(
        embedding=embedding_spec(message.embedding) if message.HasField("embedding") else None,
        head_digest=message.head_digest,
        feasibility_digest=message.feasibility_digest,
        calibration_digest=message.calibration_digest,
        fusion=Fusion(message.fusion or Fusion.PRODUCT),
        fallback=message.fallback,
        local_digest=message.local_digest,
    )


def survey_info(message: survey_pb2.Survey) -> SurveyInfo:
    """A survey as stored, from its message."""
    return SurveyInfo(
        survey_id=message.survey_id,
        display_name=message.display_name,
        start_s=messages.seconds(message.start_time),
        end_s=messages.seconds(message.end_time),
        feasibility=messages.feasibility(message.feasibility),
        embedding=embedding_spec(message.embedding) if message.HasField("embedding") else None,
        camera_count=message.camera_count,
        detection_count=message.detection_count,
        revision=message.revision,
        etag=message.etag,
        head_digest=message.head_digest,
        calibration_digest=message.calibration_digest,
        uid=message.uid,
        time_zone=message.time_zone,
        coordinate_system=message.coordinate_system,
        damage=message.damage,
        local_features=local_spec(message.local_features) if message.HasField("local_features") else None,
        local_feature_count=message.local_feature_count,
        local_pair_count=message.local_pair_count,
        updated_at_s=messages.optional_seconds(message, "update_time"),
    )


def added_detections(message: scorer_pb2.AddDetectionsResponse) -> AddedDetections:
    """The result of adding detections."""
    rejected = (RejectedDetection(r.detection_id, r.error.reason, r.error.message) for r in message.rejected)
    return AddedDetections(message.added, message.unchanged, tuple(rejected), survey_info(message.survey))


def deleted_detections(message: scorer_pb2.DeleteDetectionsResponse) -> DeletedDetections:
    """The result of deleting detections."""
    return DeletedDetections(message.deleted, message.missing, survey_info(message.survey))


def updated_detections(
    responses: Sequence[corrections_pb2.UpdateDetectionsResponse],
) -> UpdatedDetections:
    """The result of correcting detections by several calls, of which the last has the survey."""
    results = tuple(
        DetectionUpdate(
            one.detection_id,
            tuple(path + "_s" if path == CAPTURED_AT else path for path in one.changed_fields),
            one.error.reason,
            one.error.message,
        )
        for response in responses
        for one in response.results
    )
    updated = sum(response.updated for response in responses)
    rejected = tuple(one for one in results if one.reason)
    return UpdatedDetections(updated, results, rejected, survey_info(responses[-1].survey))


def field_paths(fields: Iterable[str]) -> list[str]:
    """The paths of a field mask for fields of `Detection`."""
    return [field.removesuffix("_s") if field == f"{CAPTURED_AT}_s" else field for field in fields]


def detection_page(message: scorer_pb2.ListDetectionsResponse) -> DetectionPage:
    """A page of detections with their vectors."""
    detections = tuple(messages.detection(d) for d in message.detections)
    embeddings = messages.array(message.embeddings) if detections else np.empty((0, 0), np.float16)
    return DetectionPage(detections, embeddings, message.revision)


def calibration_fit(message: scorer_pb2.FitCalibrationResponse) -> CalibrationFit:
    """The result of fitting a calibration."""
    return CalibrationFit(
        survey=survey_info(message.survey),
        reason=message.reason,
        kind=CalibrationKind(message.kind) if message.kind else None,
        same_pairs=message.same_pairs,
        different_pairs=message.different_pairs,
        individuals=message.individuals,
        held_out_error=message.held_out_error,
        held_out_gain=message.held_out_gain if message.HasField("held_out_gain") else None,
        score_spec=score_spec(message.score_spec),
    )


def filter_message(only: CandidateFilter | None) -> scorer_pb2.CandidateFilter | None:
    """A candidate filter as a message; None stays None."""
    if only is None:
        return None
    return scorer_pb2.CandidateFilter(
        comparable_sides_only=only.comparable_sides_only,
        exclude_same_encounter=only.exclude_same_encounter,
        camera_ids=only.camera_ids,
        captured_from=messages.timestamp(only.captured_from_s),
        captured_before=messages.timestamp(only.captured_before_s),
        known_individuals_only=only.known_individuals_only,
        exclude_individual_ids=only.exclude_individual_ids,
        species=only.species,
    )


def filter_value(message: scorer_pb2.CandidateFilter) -> CandidateFilter:
    """A candidate filter from its message."""
    return CandidateFilter(
        comparable_sides_only=message.comparable_sides_only,
        exclude_same_encounter=message.exclude_same_encounter,
        camera_ids=tuple(message.camera_ids),
        captured_from_s=messages.optional_seconds(message, "captured_from"),
        captured_before_s=messages.optional_seconds(message, "captured_before"),
        known_individuals_only=message.known_individuals_only,
        exclude_individual_ids=tuple(message.exclude_individual_ids),
        species=tuple(message.species),
    )


def candidates(message: scorer_pb2.CandidateList, fallback: str = "") -> Candidates:
    """The candidates of one detection; rules of a later contract are left out.

    fallback: of the score spec of the answer.
    """
    rules = {int(rule) for rule in CandidateRule}
    return Candidates(
        detection_id=message.detection_id,
        candidates=tuple(_candidate(c) for c in message.candidates),
        compared=message.compared,
        excluded={CandidateRule(e.rule): e.detections for e in message.excluded if e.rule in rules},
        fallback=fallback,
    )


def _candidate(message: scorer_pb2.Candidate) -> Candidate:
    return Candidate(
        detection_id=message.detection_id,
        visual=message.visual,
        feasibility=message.feasibility if message.HasField("feasibility") else None,
        fused=message.fused,
        reason=message.reason,
        individual_id=message.individual_id,
        local=message.local if message.HasField("local") else None,
        matched_marks=message.matched_marks,
    )


def pair_messages(pairs: Iterable[tuple[str, str]]) -> list[survey_pb2.Pair]:
    """Pairs of detection ids as messages."""
    return [survey_pb2.Pair(first_detection_id=a, second_detection_id=b) for a, b in pairs]


def pair_explanation(message: scorer_pb2.ExplainPairResponse) -> PairExplanation:
    """Everything known about one pair."""
    return PairExplanation(
        visual=message.visual,
        feasibility=message.feasibility if message.HasField("feasibility") else None,
        fused=message.fused,
        distance_m=message.distance_m if message.HasField("distance_m") else None,
        gap_s=message.gap_s if message.HasField("gap_s") else None,
        needed_speed_kmh=message.needed_speed_kmh if message.HasField("needed_speed_kmh") else None,
        percentile=message.percentile,
        reason=message.reason,
        score_spec=score_spec(message.score_spec),
        local=message.local if message.HasField("local") else None,
        matched_marks=message.matched_marks,
        matched_points=tuple(
            MatchedPoint(p.first_x, p.first_y, p.second_x, p.second_y, p.weight)
            for p in message.matched_points
        ),
        station=message.station,
    )
