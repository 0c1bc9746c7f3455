from __future__ import annotations

import math
import uuid

import numpy as np
import pytest

from services.review.routes.evidence import MOST_OF_GROUP
from spotted.client.values.surveys import LocalFeatureSpec
from tests.services.review.surveys_with_photographs import ANIMALS, Page, cameras
from tests.services.scorer.local.features import photograph as marks_of
from tests.waiting import until


def merged(page: Page, ids: list[str]) -> None:
    labels = [{"first": ids[0], "second": one, "answer": "same"} for one in ids[1:]]
    browser = page.browser()
    page.next(browser)
    sent = {"request_id": str(uuid.uuid4()), "labels": labels}
    assert browser.post(f"{page.session}/answers", json=sent).status_code == 200


def test_the_strips_have_the_other_photographs_same_side_first(page: Page) -> None:
    ids = [d.detection_id for d in page.survey.detections()]
    merged(page, [ids[3], ids[4], ids[6], ids[7]])
    shown = page.browser().get(f"{page.session}/context", params={"detection": ids[3]}).json()
    assert shown["individual"]["photographs"] == 4
    assert [one["detection_id"] for one in shown["group"]] == [ids[6], ids[4], ids[7]]
    assert [one["side"] for one in shown["group"]] == ["left", "right", "right"]
    assert shown["encounter"] == []
    first = page.browser().get(f"{page.session}/context", params={"detection": ids[0]}).json()
    assert [one["detection_id"] for one in first["encounter"]] == [ids[1]]
    assert len(first["group"]) <= MOST_OF_GROUP


def test_a_pair_is_explained(page: Page) -> None:
    query = {"first": "cam/d00", "second": "cam/d04"}
    shown = page.browser().get(f"{page.session}/explain", params=query).json()
    explained = page.survey.explain_pair(query["first"], query["second"])
    assert shown["fused"] == explained.fused
    assert shown["journey"]["distance_m"] == explained.distance_m
    assert shown["scores"] == {"fusion": "product", "calibrated": False, "head": ""}


def test_matched_marks_are_places_in_both_boxes_and_it_is_said_if_there_are_none(page: Page) -> None:
    pytest.importorskip("cv2", reason="the extra `local` is not installed")
    browser = page.browser()

    def marks(first: str, second: str) -> dict[str, object]:
        shown = browser.get(f"{page.session}/explain", params={"first": first, "second": second}).json()
        found: dict[str, object] = shown["marks"]
        return found

    assert marks("cam/d00", "cam/d04") == {"extracted": False, "matched": None, "points": []}
    # two of each animal; the last photographs have no features
    numbered = {f"cam/d{n:02}": marks_of(n % ANIMALS, n // ANIMALS) for n in range(2 * ANIMALS)}
    features = {detection_id: one.to_bytes() for detection_id, one in numbered.items()}
    page.survey.add_local_features(features, LocalFeatureSpec(method="hotspotter", digest="a" * 64))
    page.survey.match_local_features()
    until(lambda: page.survey.explain_pair("cam/d01", "cam/d05").matched_marks, "the pair is matched")
    found = marks("cam/d01", "cam/d05")
    assert isinstance(found["points"], list)
    assert found["matched"] == len(found["points"]) > 3
    # the second photograph was taken 3 and 2 pixels away
    width, height = numbered["cam/d01"].size
    for x, y, other_x, other_y in found["points"]:
        assert ((other_x - x) * width, (other_y - y) * height) == pytest.approx((3.0, 2.0), abs=1.0)
    assert marks("cam/d01", "cam/d09") == {"extracted": True, "matched": None, "points": []}


def test_the_map_has_the_distances_of_the_cameras_and_not_their_places(page: Page) -> None:
    merged(page, ["cam/d03", "cam/d04", "cam/d05"])
    query = {"first": "cam/d03", "second": "cam/d07"}
    shown = page.browser().get(f"{page.session}/map", params=query).json()
    xy = {one["camera"]: np.array([one["x"], one["y"]]) for one in shown["cameras"]}
    assert set(xy) == {"c0", "c1", "c2"}
    assert min(min(one) for one in xy.values()) == 0.0
    assert shown["without_position"] == 0
    of = cameras()
    for a in of.values():
        for b in of.values():
            assert a.x_m is not None
            assert b.x_m is not None
            apart = math.hypot(a.x_m - b.x_m, (a.y_m or 0.0) - (b.y_m or 0.0))
            drawn = np.linalg.norm(xy[a.camera_id] - xy[b.camera_id]) * shown["width_m"]
            assert drawn == pytest.approx(apart, abs=1.0)
    first, second = shown["groups"]
    assert [one["camera"] for one in first["sightings"]] == ["c0", "c1", "c2"]
    assert [(leg["from"], leg["to"]) for leg in first["legs"]] == [("c0", "c1"), ("c1", "c2")]
    assert not any(leg["too_fast"] for leg in first["legs"])
    assert second["legs"] == []


def test_a_detection_of_another_survey_is_not_found(page: Page) -> None:
    response = page.browser().get(f"{page.session}/context", params={"detection": "nosuch"})
    assert response.status_code == 404
    assert "nosuch" in response.json()["error"]["message"]
