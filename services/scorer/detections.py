"""Detections added to a survey and deleted from it.

Each detection that is sent is added, already stored, or rejected with a reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from services.common.access.quotas import check_count
from services.common.store.journal import Change
from services.common.survey.local_parts import part_changes
from services.common.survey.periods import Period, outside_period
from services.common.survey.state import SurveyState, vector_digest
from services.scorer.surveys import Surveys
from spotted import messages
from spotted.errors import (
    AlreadyExistsError,
    DigestMismatchError,
    InvalidInputError,
    NotFoundError,
    OutsidePeriodError,
    SpottedError,
)
from spotted.scoring.similarity import normalise_rows
from spotted.survey import Detection
from spotted.v1 import scorer_pb2, store_pb2
from spotted.v1 import survey_pb2 as pb

# a response that lists more rejections exceeds the size limit of a message
MOST_REJECTED, REJECTED_BYTES = 4000, 2 << 20

HalfArray = npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class DetectionBlock:
    """The detections of one message of the stream."""

    survey_id: str
    spec: pb.EmbeddingSpec
    """How the vectors were made."""
    detections: Sequence[Detection]
    vectors: npt.NDArray[np.floating]
    """(n, D), in the order of the detections, not yet normalised."""
    faults: Mapping[str, InvalidInputError]
    """Detection id -> error in its own fields."""


@dataclass(frozen=True, slots=True)
class _PreparedBlock:
    """A block whose vectors are normalised and whose faulty rows are known."""

    block: DetectionBlock
    vectors: HalfArray
    """(n, D) float16 unit rows; a faulty vector is all zeros."""
    faults: Mapping[int, SpottedError]
    """Row -> why the detection or its vector cannot be used, in row order."""

    def sound_rows(self) -> list[int]:
        return [row for row in range(len(self.block.detections)) if row not in self.faults]


@dataclass(slots=True)
class AddResult:
    """The results of the blocks that were added to one survey."""

    added: int = 0
    unchanged: int = 0
    rejected: list[tuple[str, SpottedError]] = field(default_factory=list)
    """(detection id, reason)."""

    def rejected_bytes(self) -> int:
        """Size of the ids and messages of the rejected detections."""
        return sum(len(i.encode()) + len(str(error).encode()) for i, error in self.rejected)


def add_block(surveys: Surveys, block: DetectionBlock, total: AddResult, *, most: int = 0) -> None:
    """Store one block and add its result to `total`; the block is on disk when this returns.

    most: number of detections that the survey may have, 0 for no limit.
    Raises NotFoundError for the survey, DigestMismatchError if the survey's vectors were made differently,
    QuotaError.
    """
    prepared = _prepare(block)
    result = AddResult()

    def decide(state: SurveyState) -> Change:
        nonlocal result
        spec = state.survey.embedding if state.survey.HasField("embedding") else None
        if spec is not None:
            check_spec(spec, block.spec, block.survey_id)
        result = AddResult(
            rejected=[(block.detections[row].detection_id, error) for row, error in prepared.faults.items()]
        )
        fresh = list(_fresh_rows(state, prepared, result))
        result.added = len(fresh)
        if not fresh:
            return Change(b"", b"")
        check_count(len(state.detections) + len(fresh), most, "detections", f"survey {block.survey_id!r}")
        added = store_pb2.DetectionsAdded(
            detections=[messages.detection_message(block.detections[row]) for row in fresh],
            embeddings=messages.tensor(prepared.vectors[fresh]),
            # the first detections fix how the survey's vectors are made
            spec=block.spec if spec is None else None,
        )
        return Change(surveys.entry(store_pb2.SurveyEvent(detections=added)), b"")

    surveys.folded(block.survey_id).change(decide, scope="AddDetections")
    surveys.grown(block.survey_id, result.added * prepared.vectors[:1].nbytes)
    total.added += result.added
    total.unchanged += result.unchanged
    total.rejected += result.rejected
    if len(total.rejected) > MOST_REJECTED or total.rejected_bytes() > REJECTED_BYTES:
        detection_id, error = total.rejected[-1]
        raise InvalidInputError(
            f"{len(total.rejected)} detections were rejected, e.g. {detection_id!r}: {error}; the others are "
            "stored; correct the cause and send the rejected ones again",
            field="detections",
        )


def response(total: AddResult, survey: pb.Survey) -> scorer_pb2.AddDetectionsResponse:
    """The response to a stream of blocks."""
    return scorer_pb2.AddDetectionsResponse(
        added=total.added,
        unchanged=total.unchanged,
        rejected=[
            scorer_pb2.RejectedDetection(
                detection_id=detection_id, error=pb.ItemError(reason=error.reason, message=str(error))
            )
            for detection_id, error in total.rejected
        ],
        survey=survey,
    )


def delete_detections(
    surveys: Surveys, survey_id: str, detection_ids: Sequence[str], request_id: str
) -> scorer_pb2.DeleteDetectionsResponse:
    """Remove detections and count those that are not stored. Raises NotFoundError for the survey."""

    def decide(state: SurveyState) -> Change:
        stored = [i for i in detection_ids if i in state.detections]
        after = state.described()
        after.detection_count -= len(stored)
        after.revision += 1 if stored else 0
        dropped = [state.local.keys[i] for i in stored if i in state.local.keys]
        after.local_feature_count -= len(dropped)
        answer = scorer_pb2.DeleteDetectionsResponse(
            deleted=len(stored), missing=len(detection_ids) - len(stored), survey=after
        )
        event = store_pb2.SurveyEvent(deleted=store_pb2.DetectionsDeleted(detection_ids=stored))
        ends = part_changes(survey_id, dropped=dropped)
        return Change(surveys.entry(event) if stored else b"", answer.SerializeToString(), ends)

    reply = surveys.folded(survey_id).change(decide, scope="DeleteDetections", request_id=request_id)
    return scorer_pb2.DeleteDetectionsResponse.FromString(reply.value)


def check_spec(known: pb.EmbeddingSpec, given: pb.EmbeddingSpec, survey_id: str) -> None:
    """Raise DigestMismatchError unless vectors were made as those of the survey."""
    if known == given:
        return
    raise DigestMismatchError(
        f"survey {survey_id!r} holds vectors of backbone {known.backbone_digest[:12]}, preprocessing "
        f"{known.preprocessing_digest[:12]}, {known.dimension} elements; these are of "
        f"{given.backbone_digest[:12]}, {given.preprocessing_digest[:12]}, {given.dimension}; "
        "embed the whole survey with one backbone"
    )


def camera_fault(state: SurveyState, detection: Detection) -> SpottedError | None:
    """Why a detection does not agree with its camera; None if it does."""
    camera = state.cameras.get(detection.camera_id)
    if detection.camera_id and camera is None:
        return NotFoundError(
            f"detection {detection.detection_id!r} names camera {detection.camera_id!r}, which is not in "
            f"survey {state.survey.survey_id!r}; add the camera first"
        )
    fault = outside_period(detection, camera, Period.of(state.survey))
    return OutsidePeriodError(f"{fault}; correct the time, or widen the period") if fault else None


def _prepare(block: DetectionBlock) -> _PreparedBlock:
    """Normalise all vectors at once, and collect the faults of vectors, fields and repeated ids."""
    ids = [detection.detection_id for detection in block.detections]
    units, vector_faults = normalise_rows(block.vectors, ids)
    faults: dict[int, SpottedError] = {}
    seen: set[str] = set()
    for row, detection_id in enumerate(ids):
        error: SpottedError | None = block.faults.get(detection_id) or vector_faults.get(row)
        if detection_id in seen:
            error = InvalidInputError(f"detection {detection_id!r} occurs twice in one message; send it once")
        seen.add(detection_id)
        if error is not None:
            faults[row] = error
    return _PreparedBlock(block, units.astype(np.float16), faults)


def _fresh_rows(state: SurveyState, prepared: _PreparedBlock, result: AddResult) -> Iterator[int]:
    """The rows to store; the others are counted or rejected in `result`."""
    for row in prepared.sound_rows():
        detection = prepared.block.detections[row]
        if detection.detection_id not in state.detections:
            error = camera_fault(state, detection)
            if error is None:
                yield row
            else:
                result.rejected.append((detection.detection_id, error))
        elif _is_stored(state, detection, prepared.vectors[row]):
            result.unchanged += 1
        else:
            error = AlreadyExistsError(
                f"detection {detection.detection_id!r} is stored with other content; correct the stored "
                "one, or choose another id"
            )
            result.rejected.append((detection.detection_id, error))


def _is_stored(state: SurveyState, detection: Detection, vector: HalfArray) -> bool:
    """Whether the survey has this detection with this content."""
    stored = messages.detection_message(state.detections[detection.detection_id])
    same_fields = stored == messages.detection_message(detection)
    return same_fields and state.digests[detection.detection_id] == vector_digest(vector)
