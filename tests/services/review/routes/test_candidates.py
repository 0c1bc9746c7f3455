from __future__ import annotations

import uuid
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from services.review.forms.fields import Body
from services.review.routes.candidates import filter_of
from spotted.errors import InvalidInputError
from tests.services.review.surveys_with_photographs import COUNT, Page

NAIROBI = ZoneInfo("Africa/Nairobi")


def test_candidates_are_those_of_the_scorer(page: Page) -> None:
    query = {"detection": "cam/d03", "top_k": "4"}
    shown = page.browser().get(f"/api/surveys/{page.survey_id}/candidates", params=query).json()
    (expected,) = page.survey.candidates(detection_ids=["cam/d03"], top_k=4)
    assert [one["photo"]["detection_id"] for one in shown["candidates"]] == [
        one.detection_id for one in expected.candidates
    ]
    assert shown["compared"] == expected.compared
    filtered = page.browser().get(
        f"/api/surveys/{page.survey_id}/candidates", params={**query, "cameras": "c1", "sides": "comparable"}
    )
    assert {one["photo"]["camera"] for one in filtered.json()["candidates"]} <= {"c1"}
    assert {one["rule"] for one in filtered.json()["excluded"]} <= {"camera", "side"}


def test_candidates_say_what_was_answered_about_them_before(page: Page) -> None:
    browser = page.browser()
    page.next(browser)
    given = {"first": "cam/d07", "second": "cam/d03", "answer": "different", "note": "other stripes"}
    sent = {"request_id": str(uuid.uuid4()), "labels": [given]}
    assert browser.post(f"{page.session}/answers", json=sent).status_code == 200
    query = {"detection": "cam/d03", "top_k": "12"}
    path = f"/api/surveys/{page.survey_id}/candidates"
    for more, expected in (({"session": "main"}, ["different"]), ({}, [])):
        shown = browser.get(path, params={**query, **more}).json()["candidates"]
        answers = {one["photo"]["detection_id"]: one["labels"] for one in shown}
        assert [label["answer"] for label in answers["cam/d07"]] == expected
        assert answers["cam/d04"] == []


def test_photographs_are_listed_by_time_and_searched(page: Page) -> None:
    path = f"/api/surveys/{page.survey_id}/photos"
    shown = page.browser().get(path, params={"limit": "5", "offset": "2"}).json()
    assert (shown["total"], len(shown["photos"])) == (COUNT, 5)
    assert shown["photos"][0]["detection_id"] == "cam/d02"
    assert shown["cameras"] == ["c0", "c1", "c2"]
    found = page.browser().get(path, params={"text": "img_0004", "camera": "c1"}).json()
    assert [one["detection_id"] for one in found["photos"]] == ["cam/d04"]


def test_days_begin_at_midnight_of_the_survey() -> None:
    only = filter_of(Body({"from": "2026-02-01", "before": "2026-03-01T00:00Z", "known": "1"}), NAIROBI)
    assert only.captured_from_s == datetime(2026, 2, 1, tzinfo=NAIROBI).timestamp()
    assert only.captured_before_s == 1_772_323_200.0
    assert only.known_individuals_only
    with pytest.raises(InvalidInputError, match="write e"):
        filter_of(Body({"from": "in May"}), NAIROBI)
