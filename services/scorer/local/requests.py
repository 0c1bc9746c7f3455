"""Requests about local features to library values, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.common.rpc import checks
from spotted.errors import InvalidInputError
from spotted.local_features.features import MOST_BYTES, LocalFeatures
from spotted.v1 import local_features_pb2 as pb
from spotted.v1 import survey_pb2

MOST_FEATURES = 1000
MOST_CANDIDATES = 1000


@dataclass(frozen=True, slots=True)
class FeatureBlock:
    """The local features of one call."""

    survey_id: str
    spec: survey_pb2.LocalFeatureSpec
    """How they were made."""
    features: Mapping[str, bytes]
    """By detection id."""
    faults: Mapping[str, InvalidInputError]
    """Detection id -> why its features cannot be stored."""
    replace_spec: bool
    """Whether features of another spec are dropped."""


@dataclass(frozen=True, slots=True)
class MatchingQuery:
    """A matching that was requested."""

    survey_id: str
    candidates: int
    """Number of candidates that each detection is matched with; 0: by the size of the survey."""
    renew: bool = False
    """Whether all scores are dropped first."""


def feature_block(request: pb.AddLocalFeaturesRequest) -> FeatureBlock:
    """The features to store; errors in those of single detections are returned in the block, not raised."""
    checks.between(len(request.features), 1, MOST_FEATURES, "features")
    checks.unique((one.detection_id for one in request.features), "features")
    checks.identifier(request.spec.method, "spec.method")
    checks.identifier(request.spec.digest, "spec.digest")
    features, faults = dict[str, bytes](), dict[str, InvalidInputError]()
    for one in request.features:
        features[one.detection_id] = one.features
        if (fault := _fault(one)) is not None:
            faults[one.detection_id] = fault
    survey_id = checks.survey_id(request.survey_id, "survey_id")
    return FeatureBlock(survey_id, request.spec, features, faults, request.replace_spec)


def matching_query(request: pb.MatchLocalFeaturesRequest) -> MatchingQuery:
    """The matching that is requested. Raises InvalidInputError."""
    survey_id = checks.survey_id(request.survey_id, "survey_id")
    checks.between(request.candidates, 0, MOST_CANDIDATES, "candidates")
    return MatchingQuery(survey_id, request.candidates, request.renew)


def _fault(one: pb.DetectionLocalFeatures) -> InvalidInputError | None:
    if len(one.features) > MOST_BYTES:
        return InvalidInputError(
            f"the local features of detection {one.detection_id!r} take {len(one.features)} bytes, more than "
            f"{MOST_BYTES}; send them as the embedder returned them"
        )
    try:
        LocalFeatures.from_bytes(one.features)
    except ValueError as error:
        return InvalidInputError(
            f"the local features of detection {one.detection_id!r} cannot be used ({error}); send them as "
            "the embedder returned them"
        )
    return None
