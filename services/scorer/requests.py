"""Scorer requests to library values, checked."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from services.common.rpc import checks
from services.common.survey.filters import filter_rules
from services.scorer.calibration_fit import KnownAnswers
from services.scorer.candidates import CandidateQuery
from services.scorer.detections import DetectionBlock
from services.scorer.matrices import Matrix
from services.scorer.scored_surveys import ScoredSurvey
from services.scorer.survey_fields import check_fields
from spotted import messages
from spotted.arrays import Float32Array, IntArray
from spotted.errors import DigestMismatchError, InvalidInputError
from spotted.scoring.fusion import Fusion
from spotted.scoring.similarity import unit_rows
from spotted.survey import Camera, Detection
from spotted.v1 import scorer_pb2 as pb
from spotted.v1 import survey_pb2

MOST_ITEMS = 10_000
MOST_LABELS = 20_000
MUTABLE = ("display_name", "start_time", "end_time", "feasibility", "time_zone")


def new_survey(request: pb.CreateSurveyRequest) -> survey_pb2.Survey:
    """The survey to create, without output-only fields."""
    given = request.survey
    survey = survey_pb2.Survey(
        survey_id=checks.survey_id(given.survey_id, "survey.survey_id"),
        display_name=checks.words(given.display_name, "survey.display_name", most=checks.NAME_LENGTH),
        start_time=given.start_time if given.HasField("start_time") else None,
        end_time=given.end_time if given.HasField("end_time") else None,
        feasibility=given.feasibility,
        embedding=given.embedding if given.HasField("embedding") else None,
        time_zone=checks.time_zone(given.time_zone, "survey.time_zone"),
    )
    _check_instants(survey, ("start_time", "end_time"))
    check_fields(survey)
    if survey.HasField("embedding"):
        _check_spec(survey.embedding)
    return survey


def changed_survey(request: pb.UpdateSurveyRequest) -> tuple[survey_pb2.Survey, list[str]]:
    """The new values and the names of the fields to change."""
    checks.survey_id(request.survey.survey_id, "survey.survey_id")
    paths = list(request.update_mask.paths)
    unknown = [path for path in paths if path not in MUTABLE]
    if unknown or not paths:
        raise InvalidInputError(
            f"update_mask names {unknown or 'no field'}; name some of {', '.join(MUTABLE)}",
            field="update_mask",
        )
    checks.words(request.survey.display_name, "survey.display_name", most=checks.NAME_LENGTH)
    checks.time_zone(request.survey.time_zone, "survey.time_zone")
    _check_instants(request.survey, [path for path in paths if path.endswith("_time")])
    return request.survey, paths


def cameras(request: pb.UpsertCamerasRequest) -> list[Camera]:
    """The cameras to add or replace."""
    checks.between(len(request.cameras), 1, MOST_ITEMS, "cameras")
    checks.unique((c.camera_id for c in request.cameras), "cameras")
    return [checks.camera(c, f"cameras[{i}]") for i, c in enumerate(request.cameras)]


def block(request: pb.AddDetectionsRequest, survey_id: str) -> DetectionBlock:
    """One block of a stream; errors in single detections are returned in the block, not raised.

    survey_id: that of the stream's earlier blocks, "" for the first.
    """
    checks.between(len(request.detections), 0, MOST_ITEMS, "detections")
    if survey_id and request.survey_id != survey_id:
        raise InvalidInputError(
            f"the stream started with survey {survey_id!r} and continues with {request.survey_id!r}; open "
            "one stream for each survey",
            field="survey_id",
        )
    vectors = vectors_of(request.embeddings, request.spec, len(request.detections))
    faults: dict[str, InvalidInputError] = {}
    detections: list[Detection] = []
    for i, message in enumerate(request.detections):
        try:
            checks.detection(message, f"detections[{i}]")
        except InvalidInputError as error:
            faults[message.detection_id] = error
        detections.append(messages.detection(message))
    return DetectionBlock(
        checks.survey_id(request.survey_id, "survey_id"), request.spec, detections, vectors, faults
    )


def vectors_of(
    embeddings: survey_pb2.Tensor, spec: survey_pb2.EmbeddingSpec, count: int
) -> npt.NDArray[np.floating]:
    """The vectors of `count` detections, (count, D). Raises InvalidInputError for another shape or spec."""
    vectors = messages.array(embeddings, field="embeddings")
    expected = (count, spec.dimension)
    if vectors.shape != expected:
        raise InvalidInputError(
            f"embeddings have shape {vectors.shape}; the detections and the spec need {expected}",
            field="embeddings",
        )
    _check_spec(spec)
    return vectors


def query(request: pb.QueryCandidatesRequest, scored: ScoredSurvey) -> tuple[Detection, Float32Array]:
    """The detection to query with and its unit vector (D,). Raises DigestMismatchError."""
    known = scored.snapshot.survey.embedding
    if scored.snapshot.survey.HasField("embedding") and request.spec != known:
        raise DigestMismatchError(
            f"the survey holds vectors of backbone {known.backbone_digest[:12]}, preprocessing "
            f"{known.preprocessing_digest[:12]}; embed the query with the same"
        )
    vector = messages.array(request.embedding, field="embedding")
    if vector.shape != (request.spec.dimension,):
        raise InvalidInputError(
            f"embedding has shape {vector.shape}; the spec needs ({request.spec.dimension},)",
            field="embedding",
        )
    return checks.detection(request.detection, "detection", stored=False), unit_rows(vector[None])[0]


def fusion(value: survey_pb2.Fusion.ValueType) -> Fusion:
    """The requested fusion, by default PRODUCT."""
    if value not in survey_pb2.Fusion.values():
        raise InvalidInputError(
            f"fusion {value} is not known; use a value of spotted.v1.Fusion", field="fusion"
        )
    return Fusion(value or Fusion.PRODUCT)


def candidate_query(request: pb.GetCandidatesRequest | pb.QueryCandidatesRequest) -> CandidateQuery:
    """The candidates that a request asks for. Raises InvalidInputError."""
    if isinstance(request, pb.GetCandidatesRequest) and request.as_columns:
        _check_columns(request)
    return CandidateQuery(
        checks.between(request.top_k, 1, MOST_ITEMS, "top_k"),
        fusion(request.fusion),
        filter_rules(request.filter),
        request.group_by_individual,
    )


def _check_columns(request: pb.GetCandidatesRequest) -> None:
    if request.group_by_individual:
        raise InvalidInputError(
            "as_columns cannot be combined with group_by_individual, because columns do not name "
            "individuals; omit one of them",
            field="as_columns",
        )
    # in columns, two lists of one detection could not be distinguished
    checks.unique(request.detection_ids, "detection_ids")


def known_answers(request: pb.FitCalibrationRequest) -> KnownAnswers:
    """The labels to fit a calibration to. Raises InvalidInputError."""
    checks.between(len(request.labels), 0, MOST_LABELS, "labels")
    pairs = []
    for i, label in enumerate(request.labels):
        first, second = label.pair.first_detection_id, label.pair.second_detection_id
        _check_two(first, second, f"labels[{i}].pair")
        pairs.append((first, second, label.same))
    return KnownAnswers(pairs, request.use_known_individuals)


def pair_rows(request: pb.ScorePairsRequest, scored: ScoredSurvey) -> tuple[IntArray, IntArray]:
    """The rows of the pairs to score. Raises NotFoundError for an unknown detection."""
    checks.between(len(request.pairs), 1, MOST_ITEMS, "pairs")
    row = scored.snapshot.row
    for i, pair in enumerate(request.pairs):
        _check_two(pair.first_detection_id, pair.second_detection_id, f"pairs[{i}]")
    first = np.array([row(pair.first_detection_id) for pair in request.pairs], dtype=np.int64)
    second = np.array([row(pair.second_detection_id) for pair in request.pairs], dtype=np.int64)
    return first, second


def matrix(request: pb.GetScoreMatrixRequest) -> Matrix:
    """The matrix that a request asks for; elements are float32 by default."""
    dtype = messages.DTYPES.get(request.element_type or survey_pb2.ELEMENT_TYPE_FLOAT32)
    if dtype is None:
        raise InvalidInputError("element_type is not known; use FLOAT16 or FLOAT32", field="element_type")
    return Matrix(
        request.row_detection_ids,
        request.column_detection_ids,
        fusion(request.fusion),
        dtype,
        request.row_offset,
    )


def ids(values: Iterable[str], field: str) -> list[str]:
    """1 to 10,000 distinct ids."""
    listed = list(values)
    checks.between(len(listed), 1, MOST_ITEMS, field)
    checks.unique(listed, field)
    return listed


def _check_instants(survey: survey_pb2.Survey, parts: Iterable[str]) -> None:
    for part in parts:
        field = f"survey.{part}"
        if not survey.HasField(part):  # type: ignore[arg-type] # start_time or end_time
            raise InvalidInputError(
                f"{field} is missing; scores are normalised by the time span of the survey, so set it",
                field=field,
            )
        checks.instant(getattr(survey, part), field)


def _check_two(first: str, second: str, field: str) -> None:
    if first == second:
        raise InvalidInputError(f"{field} names {first!r} twice; name two detections", field=field)


def _check_spec(spec: survey_pb2.EmbeddingSpec) -> None:
    if not (spec.backbone_digest and spec.preprocessing_digest and spec.dimension):
        raise InvalidInputError(
            "spec must have backbone_digest, preprocessing_digest and dimension; copy the spec of the "
            "embeddings",
            field="spec",
        )
    for part in ("backbone_digest", "preprocessing_digest"):
        checks.identifier(getattr(spec, part), f"spec.{part}")
    if spec.head_digest:
        raise InvalidInputError(
            f"spec names head {spec.head_digest[:12]}, but a survey stores base embeddings and applies its "
            "active head to them; embed without head_digest",
            field="spec.head_digest",
        )
