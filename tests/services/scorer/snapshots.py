"""The awkward little survey as a snapshot, without a store."""

from __future__ import annotations

import numpy as np

from services.common.survey.state import Snapshot, SurveyState
from spotted import messages
from spotted.scoring.similarity import unit_rows
from spotted.v1 import store_pb2
from tests.services.scorer.planted import CAMERAS, SPEC, detections, new_survey, vectors


def planted_snapshot(count: int) -> Snapshot:
    """Its first `count` detections."""
    state = SurveyState()
    survey = new_survey("kruger")
    survey.embedding.CopyFrom(SPEC)
    cameras = store_pb2.CamerasUpserted(cameras=[messages.camera_message(c) for c in CAMERAS])
    added = store_pb2.DetectionsAdded(
        detections=[messages.detection_message(d) for d in detections(count)],
        embeddings=messages.tensor(unit_rows(vectors(count)).astype(np.float16)),
    )
    for event in (
        store_pb2.SurveyEvent(survey=survey),
        store_pb2.SurveyEvent(cameras=cameras),
        store_pb2.SurveyEvent(detections=added),
    ):
        state.apply(event.SerializeToString())
    return state.snapshot()
