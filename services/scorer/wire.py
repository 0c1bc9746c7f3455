"""Scorer requests to library values, checked, and results to responses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from services.common import wire
from services.scorer.adding import Block
from services.scorer.candidates import CandidateList, Evidence, Explanation, Rules
from services.scorer.matrices import Matrix
from services.scorer.surveys import Scored, check_fields
from spotted import messages
from spotted.errors import DigestMismatchError, InvalidInputError
from spotted.fusion import Fusion
from spotted.ranking import Scored as PairScores
from spotted.similarity import unit_rows
from spotted.survey import Camera, Detection, Float32Array, IntArray
from spotted.v1 import scorer_pb2 as pb
from spotted.v1 import survey_pb2

MOST_ITEMS = 10_000
PAGE_BYTES = 1024 * 1024
# a candidate takes near 100 bytes, so a message some 200 KiB
MESSAGE_CANDIDATES = 2048
MUTABLE = ("display_name", "start_time", "end_time", "feasibility")


def new_survey(request: pb.CreateSurveyRequest) -> survey_pb2.Survey:
    """The survey to create, without output-only fields."""
    asked = request.survey
    survey = survey_pb2.Survey(
        survey_id=wire.slug(asked.survey_id, "survey.survey_id"),
        display_name=asked.display_name,
        start_time=asked.start_time if asked.HasField("start_time") else None,
        end_time=asked.end_time if asked.HasField("end_time") else None,
        feasibility=asked.feasibility,
        embedding=asked.embedding if asked.HasField("embedding") else None,
    )
    _check_instants(survey, ("start_time", "end_time"))
    check_fields(survey)
    if survey.HasField("embedding"):
        _check_spec(survey.embedding)
    return survey


def changed_survey(request: pb.UpdateSurveyRequest) -> tuple[survey_pb2.Survey, list[str]]:
    """The new values and the names of the fields to change."""
    wire.slug(request.survey.survey_id, "survey.survey_id")
    paths = list(request.update_mask.paths)
    unknown = [path for path in paths if path not in MUTABLE]
    if unknown or not paths:
        raise InvalidInputError(
            f"update_mask names {unknown or 'nothing'}; name some of {', '.join(MUTABLE)}",
            field="update_mask",
        )
    _check_instants(request.survey, [path for path in paths if path.endswith("_time")])
    return request.survey, paths


def cameras(request: pb.UpsertCamerasRequest) -> list[Camera]:
    """The cameras to add or replace."""
    wire.between(len(request.cameras), 1, MOST_ITEMS, "cameras")
    wire.unique((c.camera_id for c in request.cameras), "cameras")
    return [wire.camera(c, f"cameras[{i}]") for i, c in enumerate(request.cameras)]


def block(request: pb.AddDetectionsRequest, survey_id: str) -> Block:
    """One block of a stream; what is wrong with one of its detections is noted, not raised.

    survey_id: of the stream's earlier blocks, "" at the first.
    """
    field = "embeddings"
    if survey_id and request.survey_id != survey_id:
        raise InvalidInputError(
            f"the stream began with survey {survey_id!r} and goes on with {request.survey_id!r}; open one "
            "stream for each survey",
            field="survey_id",
        )
    vectors = messages.array(request.embeddings, field=field)
    expected = (len(request.detections), request.spec.dimension)
    if vectors.shape != expected:
        raise InvalidInputError(
            f"embeddings have shape {vectors.shape}; these detections and spec need {expected}",
            field=field,
        )
    _check_spec(request.spec)
    faults: dict[str, InvalidInputError] = {}
    detections: list[Detection] = []
    for i, message in enumerate(request.detections):
        try:
            wire.detection(message, f"detections[{i}]")
        except InvalidInputError as error:
            faults[message.detection_id] = error
        detections.append(messages.detection(message))
    return Block(wire.slug(request.survey_id, "survey_id"), request.spec, detections, vectors, faults)


def query(request: pb.QueryCandidatesRequest, scored: Scored) -> tuple[Detection, Float32Array]:
    """The detection to query with and its unit vector (D,). Raises DigestMismatchError."""
    known = scored.snapshot.survey.embedding
    if scored.snapshot.survey.HasField("embedding") and request.spec != known:
        raise DigestMismatchError(
            f"the survey's vectors are of backbone {known.backbone_digest[:12]}, preprocessing "
            f"{known.preprocessing_digest[:12]}; embed the query with the same"
        )
    vector = messages.array(request.embedding, field="embedding")
    if vector.shape != (request.spec.dimension,):
        raise InvalidInputError(
            f"embedding has shape {vector.shape}; ({request.spec.dimension},) is needed", field="embedding"
        )
    return messages.detection(request.detection), unit_rows(vector[None])[0]


def fusion(value: survey_pb2.Fusion.ValueType) -> Fusion:
    """The fusion asked for, by default the survey's."""
    if value not in survey_pb2.Fusion.values():
        raise InvalidInputError(f"fusion is {value}; use one of the contract's", field="fusion")
    return Fusion(value or Fusion.PRODUCT)


def rules(message: pb.CandidateFilter) -> Rules:
    """Who may be a candidate."""
    return Rules(
        comparable_sides_only=message.comparable_sides_only,
        exclude_same_encounter=message.exclude_same_encounter,
        camera_ids=frozenset(message.camera_ids),
        captured_from_s=messages.seconds(message.captured_from)
        if message.HasField("captured_from")
        else None,
        captured_before_s=(
            messages.seconds(message.captured_before) if message.HasField("captured_before") else None
        ),
        known_individuals_only=message.known_individuals_only,
    )


def candidate_list(one: CandidateList) -> pb.CandidateList:
    """A detection's candidates as a message."""
    found = [_candidate(evidence) for evidence in one.candidates]
    return pb.CandidateList(detection_id=one.detection_id, candidates=found, compared=one.compared)


def pair_rows(request: pb.ScorePairsRequest, scored: Scored) -> tuple[IntArray, IntArray]:
    """The rows of the pairs to score. Raises NotFoundError for a detection that is not there."""
    wire.between(len(request.pairs), 1, MOST_ITEMS, "pairs")
    row = scored.snapshot.row
    for i, pair in enumerate(request.pairs):
        if pair.first_detection_id == pair.second_detection_id:
            raise InvalidInputError(
                f"pairs[{i}] names {pair.first_detection_id!r} twice; name two detections",
                field=f"pairs[{i}]",
            )
    first = np.array([row(pair.first_detection_id) for pair in request.pairs], dtype=np.int64)
    second = np.array([row(pair.second_detection_id) for pair in request.pairs], dtype=np.int64)
    return first, second


def pair_scores(scores: PairScores, spec: survey_pb2.ScoreSpec) -> pb.ScorePairsResponse:
    """The scores of pairs as columns."""
    return pb.ScorePairsResponse(
        visual=messages.tensor(scores.visual),
        feasibility=messages.tensor(scores.feasibility),
        fused=messages.tensor(scores.fused),
        score_spec=spec,
    )


def matrix(request: pb.GetScoreMatrixRequest) -> Matrix:
    """Which matrix is asked for; elements are float32 where nothing else is said."""
    dtype = messages.DTYPES.get(request.element_type or survey_pb2.ELEMENT_TYPE_FLOAT32)
    if dtype is None:
        raise InvalidInputError("element_type is unknown; use FLOAT16 or FLOAT32", field="element_type")
    return Matrix(
        request.row_detection_ids,
        request.column_detection_ids,
        fusion(request.fusion),
        dtype,
        request.row_offset,
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
        score_spec=scored.snapshot.score_spec(fusion),
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
    row_bytes = 2 * scored.gallery.embeddings.shape[1] if request.include_embeddings else 0
    fitting = _fitting([d.ByteSize() + row_bytes for d in found])
    if fitting < len(found):
        rows, token = wire.page(range(len(stored)), fitting, *arguments)
    vectors = scored.gallery.embeddings[rows[0] : rows[-1] + 1] if rows else scored.gallery.embeddings[:0]
    return pb.ListDetectionsResponse(
        detections=found[: len(rows)],
        embeddings=messages.tensor(vectors.astype(np.float16)) if request.include_embeddings else None,
        next_page_token=token,
        revision=scored.snapshot.survey.revision,
    )


def ids(values: Iterable[str], field: str) -> list[str]:
    """1 to 10,000 ids, each once."""
    listed = list(values)
    wire.between(len(listed), 1, MOST_ITEMS, field)
    wire.unique(listed, field)
    return listed


def _fitting(sizes: Sequence[int]) -> int:
    """How many of the first items stay within PAGE_BYTES; at least one, so that a list goes on."""
    return max(1, int(np.searchsorted(np.cumsum(sizes), PAGE_BYTES, side="right")))


def _check_instants(survey: survey_pb2.Survey, parts: Iterable[str]) -> None:
    for part in parts:
        field = f"survey.{part}"
        if not survey.HasField(part):  # type: ignore[arg-type] # start_time or end_time
            raise InvalidInputError(
                f"{field} is missing; it declares the extent that scores are normalised by", field=field
            )
        wire.instant(getattr(survey, part), field)


def _candidate(evidence: Evidence) -> pb.Candidate:
    return pb.Candidate(
        detection_id=evidence.detection_id,
        visual=evidence.visual,
        feasibility=evidence.feasibility,
        fused=evidence.fused,
        reason=evidence.reason,
    )


def _check_spec(spec: survey_pb2.EmbeddingSpec) -> None:
    if not (spec.backbone_digest and spec.preprocessing_digest and spec.dimension):
        raise InvalidInputError(
            "spec must name backbone_digest, preprocessing_digest and dimension, as EmbedResponse.spec does",
            field="spec",
        )
