"""Corrections of stored detections; each is carried out, or refused with a reason.

A correction replaces some fields of a detection, and its vector if a new one is sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from services.common.store.journal import Change
from services.common.survey.existence import missing_detection
from services.common.survey.history import DetectionChange
from services.common.survey.local_parts import part_changes
from services.common.survey.rows import HalfArray
from services.common.survey.state import SurveyState, vector_digest
from services.scorer.detections import camera_fault, check_spec
from services.scorer.surveys import Surveys
from spotted import messages
from spotted.errors import InvalidInputError, PreconditionError, SpottedError
from spotted.scoring.similarity import normalise_rows
from spotted.survey import Detection
from spotted.v1 import corrections_pb2, store_pb2
from spotted.v1 import survey_pb2 as pb

# path of the mask -> attribute of the library's class
ATTRIBUTES = {
    "captured_at": "captured_at_s",
    "camera_id": "camera_id",
    "side": "side",
    "encounter_id": "encounter_id",
    "individual_id": "individual_id",
    "image_uri": "image_uri",
    "species": "species",
    "image_id": "image_id",
    "box": "box",
}
# a stored vector shows the stored image and box
NEED_VECTOR = frozenset({"image_id", "box"})
EMBEDDING, LOCAL_FEATURES = "embedding", "local_features"
# local features are of the image and box that the vector is of
SHOWN = NEED_VECTOR | {EMBEDDING}


@dataclass(frozen=True, slots=True)
class CorrectionBlock:
    """The corrections of one call."""

    survey_id: str
    detections: Sequence[Detection]
    """With the new values in the fields of `paths`."""
    paths: Sequence[str]
    """Keys of ATTRIBUTES."""
    faults: Mapping[str, InvalidInputError]
    """Detection id -> error in its own fields."""
    spec: pb.EmbeddingSpec | None = None
    """How the vectors were made; None without vectors."""
    vectors: npt.NDArray[np.floating] | None = None
    """(n, D), in the order of the detections, not yet normalised."""


@dataclass(frozen=True, slots=True)
class _Corrected:
    """A detection as it is after its correction."""

    detection: Detection
    vector: HalfArray | None
    """(D,) float16 unit vector; None if it stays as it was."""
    changed: tuple[str, ...]
    """Names of the changed fields; empty if it already had these values."""


def update_detections(
    surveys: Surveys, block: CorrectionBlock, request_id: str
) -> corrections_pb2.UpdateDetectionsResponse:
    """Correct detections in one change of the survey, which is on disk when this returns.

    Raises NotFoundError for the survey, DigestMismatchError if the survey's vectors were made differently.
    """
    units, faults = _prepare(block)

    def decide(state: SurveyState) -> Change:
        if block.spec is not None and state.survey.HasField("embedding"):
            check_spec(state.survey.embedding, block.spec, block.survey_id)
        results = [
            faults.get(row) or _corrected(state, block, row, None if units is None else units[row])
            for row in range(len(block.detections))
        ]
        corrected = [one for one in results if isinstance(one, _Corrected) and one.changed]
        after = state.described()
        after.revision += 1 if corrected else 0
        ids = [one.detection.detection_id for one in corrected if LOCAL_FEATURES in one.changed]
        after.local_feature_count -= len(ids)
        answer = corrections_pb2.UpdateDetectionsResponse(
            results=[_message(d.detection_id, r) for d, r in zip(block.detections, results, strict=True)],
            updated=len(corrected),
            survey=after,
        )
        if not corrected:
            return Change(b"", answer.SerializeToString())
        entry = surveys.entry(store_pb2.SurveyEvent(updated=_event(corrected)))
        ends = part_changes(block.survey_id, dropped=[state.local.keys[i] for i in ids])
        return Change(entry, answer.SerializeToString(), ends)

    reply = surveys.folded(block.survey_id).change(decide, scope="UpdateDetections", request_id=request_id)
    return corrections_pb2.UpdateDetectionsResponse.FromString(reply.value)


def detection_changes(
    surveys: Surveys, survey_id: str, since_revision: int
) -> tuple[list[DetectionChange], pb.Survey]:
    """The detections that changed after a revision, the last change first, and the survey as it is now.

    Raises NotFoundError.
    """
    return surveys.folded(survey_id).view(
        lambda state, _: (list(state.history.since(since_revision)), state.described())
    )


def _prepare(block: CorrectionBlock) -> tuple[HalfArray | None, dict[int, SpottedError]]:
    """The unit vectors, None without vectors, and row -> error in its fields or its vector."""
    ids = [detection.detection_id for detection in block.detections]
    faults: dict[int, SpottedError] = {row: block.faults[i] for row, i in enumerate(ids) if i in block.faults}
    if block.vectors is None:
        return None, faults
    units, vector_faults = normalise_rows(block.vectors, ids)
    return units.astype(np.float16), {**vector_faults, **faults}


def _corrected(
    state: SurveyState, block: CorrectionBlock, row: int, vector: HalfArray | None
) -> _Corrected | SpottedError:
    given = block.detections[row]
    stored = state.detections.get(given.detection_id)
    if stored is None:
        return missing_detection(block.survey_id, given.detection_id)
    values = {ATTRIBUTES[path]: getattr(given, ATTRIBUTES[path]) for path in block.paths}
    detection = replace(stored, **values)
    error = camera_fault(state, detection)
    if error is not None:
        return error
    changed = [path for path in block.paths if _value(detection, path) != _value(stored, path)]
    if vector is None and not NEED_VECTOR.isdisjoint(changed):
        return PreconditionError(
            f"detection {given.detection_id!r} would have another image or box, but its stored vector "
            f"shows that of {stored.image_id!r}; embed the new image and send its vector with the correction"
        )
    if vector is not None and vector_digest(vector) == state.digests[given.detection_id]:
        vector = None
    if vector is not None:
        changed.append(EMBEDDING)
    if given.detection_id in state.local.keys and not SHOWN.isdisjoint(changed):
        # they show the former image
        changed.append(LOCAL_FEATURES)
    return _Corrected(detection, vector, tuple(changed))


def _value(detection: Detection, path: str) -> object:
    return getattr(detection, ATTRIBUTES[path])


def _event(corrected: Sequence[_Corrected]) -> corrections_pb2.DetectionsUpdated:
    # those with a vector first, as the event is read
    ordered = sorted(corrected, key=lambda one: one.vector is None)
    vectors = [one.vector for one in ordered if one.vector is not None]
    return corrections_pb2.DetectionsUpdated(
        detections=[messages.detection_message(one.detection) for one in ordered],
        embeddings=messages.tensor(np.stack(vectors)) if vectors else None,
    )


def _message(detection_id: str, result: _Corrected | SpottedError) -> corrections_pb2.DetectionUpdate:
    if isinstance(result, SpottedError):
        error = pb.ItemError(reason=result.reason, message=str(result))
        return corrections_pb2.DetectionUpdate(detection_id=detection_id, error=error)
    return corrections_pb2.DetectionUpdate(detection_id=detection_id, changed_fields=result.changed)
