"""Local features of a fake scorer, kept in memory; and those that a fake embedder extracts."""

from __future__ import annotations

import hashlib
from collections.abc import Container, MutableMapping

from spotted.errors import DigestMismatchError, NotFoundError
from spotted.v1 import corrections_pb2, survey_pb2
from spotted.v1 import local_features_pb2 as pb

METHOD = "fake"
# fields of a correction after which local features show something else
SHOWN = frozenset({"image_id", "box", "embedding"})
SPEC = survey_pb2.LocalFeatureSpec(method=METHOD, digest="f" * 64)


def extract(image: bytes) -> bytes:
    """Features that equal images share; no real method reads them."""
    return hashlib.sha256(image).digest()


def drop_outdated(
    stored: MutableMapping[str, bytes], response: corrections_pb2.UpdateDetectionsResponse
) -> None:
    """Drop the features of detections that show another image after a correction, and say so."""
    for one in response.results:
        if SHOWN.intersection(one.changed_fields) and one.detection_id in stored:
            del stored[one.detection_id]
            one.changed_fields.append("local_features")


def add_features(
    detections: Container[str],
    stored: MutableMapping[str, bytes],
    survey: survey_pb2.Survey,
    request: pb.AddLocalFeaturesRequest,
) -> pb.AddLocalFeaturesResponse:
    """Store features by detection id; the answer lacks the survey. Raises DigestMismatchError."""
    if stored and survey.local_features != request.spec:
        if not request.replace_spec:
            raise DigestMismatchError(f"survey {survey.survey_id!r} holds local features of another method")
        stored.clear()
    survey.local_features.CopyFrom(request.spec)
    response = pb.AddLocalFeaturesResponse()
    for one in request.features:
        if one.detection_id not in detections:
            error = survey_pb2.ItemError(reason=NotFoundError.reason, message="add the detection first")
            response.rejected.add(detection_id=one.detection_id, error=error)
        elif stored.get(one.detection_id) == one.features:
            response.unchanged += 1
        else:
            stored[one.detection_id] = one.features
            response.added += 1
    survey.local_feature_count = len(stored)
    return response
