from __future__ import annotations

from dataclasses import replace

import numpy as np

from services.common.store.store import Store
from spotted.client import SurveyHandle
from spotted.client.values import UpdatedDetections
from spotted.survey import Detection, Side
from spotted.testing import fake_services
from spotted.testing.fake_corrections import correct
from spotted.v1 import corrections_pb2 as pb
from tests.spotted.client.surveys import DETECTIONS, SPEC, serving, survey, vectors


def changes(handle: SurveyHandle) -> list[UpdatedDetections]:
    """The same corrections of each kind, on a fake or a real scorer."""
    moved = [replace(d, side=Side.LEFT, individual_id="x", captured_at_s=None) for d in DETECTIONS[:2]]
    other = [replace(DETECTIONS[3], image_id="another")]
    return [
        handle.update_detections([*moved, Detection("ghost")], ["side", "individual_id", "captured_at_s"]),
        handle.update_detections(moved, ["side"]),
        handle.update_detections(other, ["image_id"], embeddings=-vectors()[3:4], spec=SPEC),
    ]


def test_the_fake_corrects_as_the_scorer_does(store: Store, survey_id: str) -> None:
    with fake_services() as fake, serving(store) as real:
        outcomes, contents = [], []
        for spotted in (fake, real):
            handle = spotted.create_survey(survey(survey_id))
            handle.add_detections(DETECTIONS, vectors(), SPEC)
            made = changes(handle)
            outcomes.append(
                [
                    (one.updated, [(r.detection_id, r.changed_fields, r.reason) for r in one.results])
                    for one in made
                ]
            )
            contents.append(handle.detections_with_embeddings())
    assert outcomes[0] == outcomes[1]
    assert contents[0][0] == contents[1][0]
    np.testing.assert_array_equal(contents[0][1], contents[1][1])


def test_an_unknown_detection_changes_nothing() -> None:
    request = pb.UpdateDetectionsRequest(survey_id="a")
    request.detections.add(detection_id="ghost")
    (result,) = correct({}, {}, request).results
    assert result.error.reason == "NOT_FOUND"
