"""Corrections of the detections of a fake scorer, without checks of their values."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import replace

import numpy as np

from spotted import messages
from spotted.arrays import FloatArray
from spotted.errors import NotFoundError
from spotted.scoring.similarity import unit_rows
from spotted.survey import Detection
from spotted.v1 import corrections_pb2 as pb
from spotted.v1 import survey_pb2


def correct(
    detections: MutableMapping[str, Detection],
    stored: MutableMapping[str, FloatArray],
    request: pb.UpdateDetectionsRequest,
) -> pb.UpdateDetectionsResponse:
    """Correct detections and their vectors by id; the answer lacks the survey."""
    vectors: Iterable[FloatArray | None] = [None] * len(request.detections)
    if request.HasField("embeddings"):
        vectors = unit_rows(messages.vector(request.embeddings)).astype(np.float16)
    response = pb.UpdateDetectionsResponse()
    for given, vector in zip(request.detections, vectors, strict=True):
        known = detections.get(given.detection_id)
        if known is None:
            error = survey_pb2.ItemError(reason=NotFoundError.reason, message="add the detection first")
            response.results.add(detection_id=given.detection_id, error=error)
            continue
        after, changed = _corrected(known, given, request.update_mask.paths)
        detections[given.detection_id] = after
        if vector is not None and not np.array_equal(vector, stored[given.detection_id]):
            stored[given.detection_id] = vector
            changed.append("embedding")
        response.results.add(detection_id=given.detection_id, changed_fields=changed)
        response.updated += bool(changed)
    return response


def _corrected(
    known: Detection, given: survey_pb2.Detection, paths: Sequence[str]
) -> tuple[Detection, list[str]]:
    """The detection as it is from now on, and the names of its changed fields."""
    # the library's name of a time ends in the unit
    attributes = {path: "captured_at_s" if path == "captured_at" else path for path in paths}
    asked = messages.detection(given)
    after = replace(known, **{name: getattr(asked, name) for name in attributes.values()})
    changed = [path for path, name in attributes.items() if getattr(known, name) != getattr(after, name)]
    return after, changed
