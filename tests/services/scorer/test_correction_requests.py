from __future__ import annotations

import numpy as np
import pytest

from services.scorer.correction_requests import MOST_CORRECTIONS, corrections
from spotted import messages
from spotted.errors import InvalidInputError
from spotted.survey import Detection, Side
from spotted.v1 import corrections_pb2 as pb
from spotted.v1 import survey_pb2
from tests.services.scorer.planted import SPEC, vectors


def request(
    *detections: survey_pb2.Detection, paths: tuple[str, ...] = ("side",)
) -> pb.UpdateDetectionsRequest:
    made = pb.UpdateDetectionsRequest(survey_id="kruger", detections=detections)
    made.update_mask.paths.extend(paths)
    return made


def test_a_request_becomes_library_values() -> None:
    asked = survey_pb2.Detection(detection_id="d1", side=survey_pb2.SIDE_LEFT)
    block = corrections(request(asked, paths=("side", "captured_at", "side")))
    assert block.detections == [Detection("d1", side=Side.LEFT)]
    assert (block.survey_id, list(block.paths), dict(block.faults)) == ("kruger", ["side", "captured_at"], {})
    assert (block.spec, block.vectors) == (None, None)


def test_vectors_come_with_their_spec() -> None:
    made = request(survey_pb2.Detection(detection_id="d1"), paths=())
    made.embeddings.CopyFrom(messages.tensor(vectors(1)))
    with pytest.raises(InvalidInputError, match="the spec need"):
        corrections(made)
    made.spec.CopyFrom(SPEC)
    block = corrections(made)
    assert block.spec == SPEC
    assert block.vectors is not None
    np.testing.assert_array_equal(block.vectors, vectors(1))


def test_an_error_in_one_detection_is_its_own() -> None:
    block = corrections(
        request(
            survey_pb2.Detection(detection_id="d1", camera_id="a\n"), survey_pb2.Detection(detection_id="d2")
        )
    )
    assert list(block.faults) == ["d1"]
    assert "camera_id" in str(block.faults["d1"])


def test_one_correction_too_many_is_refused() -> None:
    many = [survey_pb2.Detection(detection_id=f"d{n}") for n in range(MOST_CORRECTIONS + 1)]
    with pytest.raises(InvalidInputError, match="detections is 1001; use 1 to 1000"):
        corrections(request(*many))
