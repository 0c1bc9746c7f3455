"""A survey of files as a batch holds it, with vectors and features that no network computed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spotted.batch.features import features_digest, write_features
from spotted.batch.marks import MarkJob
from spotted.batch.places import Folder
from spotted.batch.snapshot import MANIFEST, SNAPSHOT, manifest_digest, write_snapshot
from spotted.client.values import EmbeddingSpec, LocalFeatureSpec, SurveyInfo
from spotted.scoring.feasibility import FeasibilityParams
from spotted.scoring.similarity import unit_rows
from tests.services.scorer.known import known_detections, known_vectors
from tests.services.scorer.local.features import photograph
from tests.services.scorer.planted import CAMERAS, DIMENSION, END_S, START_S

COUNT, FEATURED, ANIMALS = 48, 16, 4


def file_survey(directory: Path, *, candidates: int = 6, block_pairs: int = 20) -> MarkJob:
    """A survey of four photographs of each of twelve leopards; sixteen have features of four animals."""
    place = Folder(directory)
    stored = SurveyInfo(
        survey_id="ridge",
        display_name="",
        start_s=START_S,
        end_s=END_S,
        feasibility=FeasibilityParams(),
        embedding=EmbeddingSpec("b" * 64, "c" * 64, DIMENSION),
        camera_count=len(CAMERAS),
        detection_count=COUNT,
        revision=0,
        etag="",
        head_digest="",
        calibration_digest="",
        uid="",
        time_zone="",
        coordinate_system="",
    )
    vectors = unit_rows(known_vectors()).astype(np.float16)
    with place.new_folder(SNAPSHOT, MANIFEST) as folder:
        write_snapshot(folder, stored, {c.camera_id: c for c in CAMERAS}, [(known_detections(), vectors)])
    shown = [photograph(row % ANIMALS, row // ANIMALS).to_bytes() for row in range(FEATURED)]
    features = [*shown, *[b""] * (COUNT - FEATURED)]
    write_features(place, LocalFeatureSpec("hotspotter", "a" * 64), features)
    return MarkJob(place.url, manifest_digest(place), features_digest(place), candidates, block_pairs)
