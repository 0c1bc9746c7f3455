"""Requests to correct detections to library values, checked."""

from __future__ import annotations

from services.common.rpc import checks
from services.scorer.corrections import ATTRIBUTES, CorrectionBlock
from services.scorer.requests import vectors_of
from spotted import messages
from spotted.errors import InvalidInputError
from spotted.survey import Detection
from spotted.v1 import corrections_pb2 as pb

# as many results with the longest ids stay below the size of a message
MOST_CORRECTIONS = 1000


def corrections(request: pb.UpdateDetectionsRequest) -> CorrectionBlock:
    """The corrections of a request; errors in single detections are returned in it, not raised."""
    checks.survey_id(request.survey_id, "survey_id")
    checks.between(len(request.detections), 1, MOST_CORRECTIONS, "detections")
    checks.unique((d.detection_id for d in request.detections), "detections")
    with_vectors = request.HasField("embeddings")
    paths = _paths(request, with_vectors=with_vectors)
    faults: dict[str, InvalidInputError] = {}
    detections: list[Detection] = []
    for i, message in enumerate(request.detections):
        try:
            checks.detection(message, f"detections[{i}]")
        except InvalidInputError as error:
            faults[message.detection_id] = error
        detections.append(messages.detection(message))
    if not with_vectors:
        return CorrectionBlock(request.survey_id, detections, paths, faults)
    vectors = vectors_of(request.embeddings, request.spec, len(detections))
    return CorrectionBlock(request.survey_id, detections, paths, faults, request.spec, vectors)


def _paths(request: pb.UpdateDetectionsRequest, *, with_vectors: bool) -> list[str]:
    paths = list(dict.fromkeys(request.update_mask.paths))
    unknown = [path for path in paths if path not in ATTRIBUTES]
    if unknown or not (paths or with_vectors):
        raise InvalidInputError(
            f"update_mask names {unknown or 'no field'}; name some of {', '.join(ATTRIBUTES)}, or send "
            "embeddings",
            field="update_mask",
        )
    return paths
