from __future__ import annotations

import numpy as np
import pytest

from spotted import messages
from spotted.errors import NotFoundError
from spotted.survey import Camera, Detection
from spotted.testing.fake_survey import StoredSurvey
from spotted.v1 import survey_pb2


def test_its_rows_are_those_of_its_gallery() -> None:
    period = {"start_time": messages.timestamp(0.0), "end_time": messages.timestamp(90_000.0)}
    stored = StoredSurvey(survey_pb2.Survey(survey_id="kruger", **period))  # type: ignore[arg-type] # by name
    stored.cameras["C"] = Camera("C", 0.0, 0.0)
    for detection_id, vector in (("a", [1.0, 0.0]), ("b", [0.0, 1.0])):
        stored.detections[detection_id] = Detection(detection_id, "C", 5.0)
        stored.vectors[detection_id] = np.array(vector)
    stored.local_features["b"] = b"marks"
    changed = stored.changed()
    assert (changed.revision, changed.detection_count, changed.local_feature_count) == (1, 2, 1)
    assert stored.rows(["b", "a"]).tolist() == [1, 0]
    assert len(stored.gallery()) == 2
    ((distance, gap, reason),) = stored.reasons(np.array([0]), np.array([1]))
    assert (distance, gap, reason) == (0.0, 0.0, "same camera C")
    with pytest.raises(NotFoundError, match="'ghost' does not exist"):
        stored.rows(["ghost"])
