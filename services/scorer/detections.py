"""Detections added to a survey, each stored, already known or rejected with a reason, and deleted from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from services.common.access.quotas import check_count
from services.common.store.folded import Folded
from services.common.store.journal import Change
from services.common.survey.state import SurveyState, content_digest
from services.scorer.survey_fields import outside_period
from services.scorer.surveys import Surveys
from spotted import messages
from spotted.errors import (
    AlreadyExistsError,
    DigestMismatchError,
    InvalidInputError,
    NotFoundError,
    SpottedError,
)
from spotted.scoring.similarity import unit_rows
from spotted.survey import Detection
from spotted.v1 import scorer_pb2, store_pb2
from spotted.v1 import survey_pb2 as pb

# an answer that lists more of them passes what a message may hold
MOST_REJECTED = 4000

HalfArray = npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Block:
    """One message of new detections: (n, D) vectors in the order of the detections, as they came.

    faults: detection id -> what is wrong with its own fields.
    """

    survey_id: str
    spec: pb.EmbeddingSpec
    detections: Sequence[Detection]
    vectors: npt.NDArray[np.floating]
    faults: Mapping[str, InvalidInputError]


@dataclass(slots=True)
class Added:
    """What became of the detections so far."""

    added: int = 0
    unchanged: int = 0
    rejected: list[tuple[str, SpottedError]] = field(default_factory=list)


def add_block(surveys: Surveys, block: Block, so_far: Added, *, most: int = 0) -> None:
    """Store one block; when this returns it is on disk.

    most: detections that the survey may have, 0 for any number.
    Raises NotFoundError for the survey, DigestMismatchError where its vectors are made otherwise, QuotaError.
    """
    folded = surveys.folded(block.survey_id)
    rows, faults = _sound_rows(block)
    _fix_spec(folded, surveys, block, fix=bool(rows))
    halves = dict(zip(rows, unit_rows(block.vectors[rows]).astype(np.float16) if rows else (), strict=True))
    outcome = Added()

    def decide(state: SurveyState) -> Change:
        nonlocal outcome
        if rows:
            _check_spec(state.survey.embedding, block)
        outcome = Added(rejected=list(faults))
        fresh = list(_fresh_rows(state, block, halves, outcome))
        outcome.added = len(fresh)
        if not fresh:
            return Change(b"", b"")
        check_count(len(state.detections) + len(fresh), most, "detections", f"survey {block.survey_id!r}")
        kept = store_pb2.DetectionsAdded(
            detections=[messages.detection_message(block.detections[row]) for row in fresh],
            embeddings=messages.tensor(np.stack([halves[row] for row in fresh])),
        )
        return Change(surveys.event(kept), b"")

    folded.change(decide, scope="AddDetections")
    so_far.added += outcome.added
    so_far.unchanged += outcome.unchanged
    so_far.rejected += outcome.rejected
    if len(so_far.rejected) > MOST_REJECTED:
        detection_id, error = so_far.rejected[-1]
        raise InvalidInputError(
            f"{len(so_far.rejected)} detections were refused, such as {detection_id!r}: {error}; the others "
            "are stored; correct what they share and send them again",
            field="detections",
        )


def response(so_far: Added, survey: pb.Survey) -> scorer_pb2.AddDetectionsResponse:
    """The answer to a stream of blocks."""
    return scorer_pb2.AddDetectionsResponse(
        added=so_far.added,
        unchanged=so_far.unchanged,
        rejected=[
            scorer_pb2.RejectedDetection(
                detection_id=detection_id, error=pb.ItemError(reason=error.reason, message=str(error))
            )
            for detection_id, error in so_far.rejected
        ],
        survey=survey,
    )


def delete_detections(
    surveys: Surveys, survey_id: str, detection_ids: Sequence[str], request_id: str
) -> scorer_pb2.DeleteDetectionsResponse:
    """Remove detections; those that are not there are counted. Raises NotFoundError for the survey."""

    def decide(state: SurveyState) -> Change:
        there = [i for i in detection_ids if i in state.detections]
        after = state.described()
        after.detection_count -= len(there)
        after.revision += 1 if there else 0
        answer = scorer_pb2.DeleteDetectionsResponse(
            deleted=len(there), missing=len(detection_ids) - len(there), survey=after
        )
        entry = surveys.deletion(there) if there else b""
        return Change(entry, answer.SerializeToString())

    reply = surveys.folded(survey_id).change(decide, scope="DeleteDetections", request_id=request_id)
    return scorer_pb2.DeleteDetectionsResponse.FromString(reply.value)


def _fix_spec(folded: Folded[SurveyState], surveys: Surveys, block: Block, *, fix: bool) -> None:
    """Let the first sound vectors say how the survey's are made, and refuse others."""

    def decide(state: SurveyState) -> Change:
        if state.survey.HasField("embedding"):
            _check_spec(state.survey.embedding, block)
            return Change(b"", b"")
        return Change(surveys.specified(state.survey, block.spec), b"")

    stored = folded.view(lambda state, _: state.survey)
    if stored.HasField("embedding"):
        _check_spec(stored.embedding, block)
    elif fix:
        folded.change(decide, scope="FixSpec")


def _check_spec(known: pb.EmbeddingSpec, block: Block) -> None:
    if known == block.spec:
        return
    raise DigestMismatchError(
        f"survey {block.survey_id!r} holds vectors of backbone {known.backbone_digest[:12]}, preprocessing "
        f"{known.preprocessing_digest[:12]}, {known.dimension} elements; these are of "
        f"{block.spec.backbone_digest[:12]}, {block.spec.preprocessing_digest[:12]}, {block.spec.dimension}; "
        "embed all of a survey with one backbone"
    )


def _sound_rows(block: Block) -> tuple[list[int], list[tuple[str, SpottedError]]]:
    """The rows whose fields and vector can be used, and the faults of the others."""
    rows: list[int] = []
    faults: list[tuple[str, SpottedError]] = []
    seen: set[str] = set()
    for row, detection in enumerate(block.detections):
        detection_id = detection.detection_id
        error: SpottedError | None = block.faults.get(detection_id)
        if detection_id in seen:
            error = InvalidInputError(f"detection {detection_id!r} stands twice in one message; send it once")
        seen.add(detection_id)
        if error is None:
            try:
                unit_rows(block.vectors[row : row + 1], [detection_id])
            except InvalidInputError as found:
                error = found
        if error is None:
            rows.append(row)
        else:
            faults.append((detection_id, error))
    return rows, faults


def _fresh_rows(
    state: SurveyState, block: Block, halves: Mapping[int, HalfArray], outcome: Added
) -> Iterator[int]:
    """The rows to store; the others are counted or rejected in `outcome`."""
    for row, vector in halves.items():
        detection = block.detections[row]
        known = state.digests.get(detection.detection_id)
        if known is None:
            error = _camera_fault(state, detection)
            if error is None:
                yield row
            else:
                outcome.rejected.append((detection.detection_id, error))
        elif known == content_digest(messages.detection_message(detection), vector):
            outcome.unchanged += 1
        else:
            outcome.rejected.append(
                (
                    detection.detection_id,
                    AlreadyExistsError(
                        f"detection {detection.detection_id!r} is stored with other content; delete "
                        "it first, or choose another id"
                    ),
                )
            )


def _camera_fault(state: SurveyState, detection: Detection) -> SpottedError | None:
    camera = state.cameras.get(detection.camera_id)
    if detection.camera_id and camera is None:
        return NotFoundError(
            f"detection {detection.detection_id!r} is of camera {detection.camera_id!r}, which survey "
            f"{state.survey.survey_id!r} does not have; add the camera with UpsertCameras first"
        )
    fault = outside_period(detection, camera)
    return InvalidInputError(f"{fault}; correct the time, or the camera's period") if fault else None
