"""A survey as the scorer stores it, and the results of changing it."""

from __future__ import annotations

from dataclasses import dataclass

from spotted.arrays import FloatArray
from spotted.calibration.kinds import CalibrationKind
from spotted.scoring.feasibility import FeasibilityParams
from spotted.scoring.fusion import Fusion
from spotted.scoring.local_pairs import LocalPairs
from spotted.survey import Detection


@dataclass(frozen=True, slots=True)
class EmbeddingSpec:
    """How vectors were made; vectors of unequal specs are never compared.

    >>> base = EmbeddingSpec("3f2a", "91cc", dimension=1280)
    >>> base == EmbeddingSpec("3f2a", "91cc", dimension=1280, head_digest="77b0")
    False
    """

    backbone_digest: str
    """SHA-256 (hex) of the backbone's ONNX file."""
    preprocessing_digest: str
    """SHA-256 (hex) of the preprocessing: decode, crop, resize, size."""
    dimension: int
    """Number of elements of a vector."""
    head_digest: str = ""
    """SHA-256 (hex) of the head that adapted the vector; "" for a base embedding, which surveys store."""


@dataclass(frozen=True, slots=True)
class LocalFeatureSpec:
    """How local features were made; those of unequal specs are never matched.

    >>> LocalFeatureSpec("hotspotter", "3f2a") == LocalFeatureSpec("hotspotter", "91cc")
    False
    """

    method: str
    """Name of the method, e.g. "hotspotter"."""
    digest: str
    """SHA-256 (hex) of its parameters and weights, and of how crops are cut."""


@dataclass(frozen=True, slots=True)
class ScoreSpec:
    """Everything a score depends on; equal specs and equal detections give equal scores."""

    embedding: EmbeddingSpec | None
    """How the base embeddings were made; None before the first detection."""
    head_digest: str
    """SHA-256 (hex) of the active adaptation head; "" if none is active."""
    feasibility_digest: str
    """SHA-256 (hex) of the feasibility settings and the survey's extent."""
    calibration_digest: str
    """SHA-256 (hex) of the calibration; "" if scores are not calibrated."""
    fusion: Fusion
    """How visual similarity and feasibility were fused."""
    fallback: str
    """Why PRODUCT is used although CALIBRATED or LOCAL was asked for; "" otherwise."""
    local_digest: str = ""
    """SHA-256 (hex) of the local scores and all that they depend on; "" if LOCAL is not used."""


@dataclass(frozen=True, slots=True)
class SurveyInfo:
    """A survey as stored: its declared extent, settings and counts, without its cameras and detections."""

    survey_id: str
    """Chosen by whoever created it."""
    display_name: str
    """Free text for people."""
    start_s: float
    """Start of the effort, UTC seconds since 1970."""
    end_s: float
    """End of the effort, UTC seconds since 1970."""
    feasibility: FeasibilityParams
    """How feasibility is computed."""
    embedding: EmbeddingSpec | None
    """How its vectors are made; None before the first detection."""
    camera_count: int
    """Number of cameras."""
    detection_count: int
    """Number of detections."""
    revision: int
    """Counts the survey's changes; equal revisions of one `uid` give equal scores."""
    etag: str
    """Changes with every change of the survey's own fields."""
    head_digest: str
    """SHA-256 (hex) of the active adaptation head; "" if base embeddings are scored."""
    calibration_digest: str
    """SHA-256 (hex) of the active calibration; "" if there is none."""
    uid: str
    """Distinguishes surveys that had the same id one after the other."""
    time_zone: str
    """IANA name of the zone in which instants are shown and days begin; "" for UTC."""
    coordinate_system: str
    """The plane of the cameras' metres as a PROJ string, if they have latitude and longitude; else ""."""
    damage: str = ""
    """How the survey is damaged in the store, and the remedy; then its other fields are empty. "" if not."""
    local_features: LocalFeatureSpec | None = None
    """How the local features of its detections are made; None if none were stored."""
    local_feature_count: int = 0
    """Number of detections with local features."""
    local_pair_count: int = 0
    """Number of pairs whose local features were matched, some of detections that were deleted since."""
    updated_at_s: float | None = None
    """When it was last changed, UTC seconds since 1970; only known in a list of surveys."""


@dataclass(frozen=True, slots=True)
class RejectedDetection:
    """A detection that was not stored."""

    detection_id: str
    """Which detection."""
    reason: str
    """ALREADY_EXISTS, NOT_FOUND (unknown camera), OUTSIDE_PERIOD or INVALID_INPUT."""
    message: str
    """The cause and the remedy."""


@dataclass(frozen=True, slots=True)
class AddedDetections:
    """The result of adding detections."""

    added: int
    """Newly stored."""
    unchanged: int
    """Already stored with equal content."""
    rejected: tuple[RejectedDetection, ...]
    """Not stored, each with its reason."""
    survey: SurveyInfo
    """The survey with its new counts and revision."""


@dataclass(frozen=True, slots=True)
class DetectionChange:
    """The present state of a detection that was deleted, added again or corrected."""

    detection_id: str
    """Which detection."""
    stored: bool
    """Whether the survey has it now."""
    version: int
    """Which of its images and vectors it has, or had last, counted from 0 in the order of their first
    appearance."""


@dataclass(frozen=True, slots=True)
class DetectionUpdate:
    """The result of one correction."""

    detection_id: str
    """Which detection."""
    changed_fields: tuple[str, ...]
    """Fields of `Detection` that have another value now, "embedding" for another vector, and "local_features"
    if it had some, which show the former image; empty if it already had these values, or was refused."""
    reason: str
    """NOT_FOUND, INVALID_INPUT, OUTSIDE_PERIOD or PRECONDITION (another image needs a vector); "" if none."""
    message: str
    """The cause and the remedy; "" if it was not refused."""


@dataclass(frozen=True, slots=True)
class UpdatedDetections:
    """The result of correcting detections."""

    updated: int
    """Detections with changed fields."""
    results: tuple[DetectionUpdate, ...]
    """One for each correction, in their order."""
    rejected: tuple[DetectionUpdate, ...]
    """Those that were refused, each with its reason."""
    survey: SurveyInfo
    """The survey with its new revision."""


@dataclass(frozen=True, slots=True)
class DeletedDetections:
    """The result of deleting detections."""

    deleted: int
    """Deleted by this call."""
    missing: int
    """Ids that the survey does not have."""
    survey: SurveyInfo
    """The survey with its new counts and revision."""


@dataclass(frozen=True, slots=True)
class DeletedCameras:
    """The result of deleting cameras."""

    deleted: int
    """Deleted by this call."""
    missing: int
    """Ids that the survey does not have."""
    survey: SurveyInfo
    """The survey with its new counts and revision."""


@dataclass(frozen=True, slots=True)
class DetectionPage:
    """Some detections with their vectors, as read from the scorer."""

    detections: tuple[Detection, ...]
    """In the order they were added."""
    embeddings: FloatArray
    """(n, D) float16 unit vectors; (0, 0) for an empty page."""
    revision: int
    """The survey's revision that was read."""


@dataclass(frozen=True, slots=True)
class CalibrationFit:
    """The result of fitting a calibration."""

    survey: SurveyInfo
    """The survey, with its new `calibration_digest` if it changed."""
    reason: str
    """Which labels are missing for a fit; "" if the calibration was fitted to labels."""
    kind: CalibrationKind | None
    """How the calibration ranks; None if the survey keeps the one it has."""
    same_pairs: int
    """Pairs of one animal that were learned from, labelled or implied."""
    different_pairs: int
    """Pairs of two animals that were learned from."""
    individuals: int
    """Animals with two detections or more among them."""
    held_out_error: float
    """Expected calibration error on animals that were left out, in 15 bins of equal weight.

    0 if it was not measured."""
    held_out_gain: float | None
    """Share of the queries of left-out animals that all evidence finds first, less that of the product.

    None if it could not be measured."""
    score_spec: ScoreSpec
    """The spec of CALIBRATED scores from now on."""


@dataclass(frozen=True, slots=True)
class LocalScores:
    """The local scores of a survey.

    >>> import numpy as np
    >>> LocalScores(LocalPairs.none(), revision=7).pairs.scores_of(np.array([0]), np.array([1])).tolist()
    [nan]
    """

    pairs: LocalPairs
    """Those of all pairs that were matched, by the rows of the survey's detections in their order."""
    revision: int
    """The survey's revision that was read."""


@dataclass(frozen=True, slots=True)
class AddedLocalFeatures:
    """The result of storing local features."""

    added: int
    """Newly stored, or stored instead of others."""
    unchanged: int
    """Already stored with equal content."""
    rejected: tuple[RejectedDetection, ...]
    """Not stored, each with its reason: NOT_FOUND or INVALID_INPUT."""
    survey: SurveyInfo
    """The survey with its new revision."""
