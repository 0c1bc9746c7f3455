from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest

from services.review.routes.conflicts import conflict_routes
from spotted.client.aio import AsyncSessionHandle
from spotted.client.values import Conflict, Label
from spotted.constraints.answers import Answer
from tests.services.review.surveys_with_photographs import Page


def test_a_conflict_is_listed_with_its_explanation_and_photographs_and_taken_back(page: Page) -> None:
    assert callable(conflict_routes)
    browser = page.browser()
    ids = ["cam/d03", "cam/d04", "cam/d05"]
    pairs = [(ids[0], ids[1], "same"), (ids[1], ids[2], "same"), (ids[0], ids[2], "different")]
    labels = [{"first": a, "second": b, "answer": answer} for a, b, answer in pairs]
    page.next(browser)
    sent = {"request_id": str(uuid.uuid4()), "labels": labels}
    browser.post(f"{page.session}/answers", json=sent)
    (conflict,) = browser.get(f"{page.session}/conflicts").json()["conflicts"]
    assert (conflict["label"]["first"], conflict["label"]["answer"]) == (ids[0], "different")
    assert {one["answer"] for one in conflict["explanation"]} == {"same"}
    assert set(conflict["photos"]) == set(ids)
    sent = {"request_id": str(uuid.uuid4()), "label_ids": [conflict["label"]["label_id"]]}
    browser.post(f"{page.session}/retract", json=sent)
    assert browser.get(f"{page.session}/conflicts").json() == {"conflicts": []}


def test_photographs_of_other_surveys_are_shown_by_their_ids_if_they_are_still_there(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, gone = f"~{page.survey_id}/cam/d04", "~deleted/cam/d05"
    labels = [Label("cam/d03", other, Answer.SAME, "anna") for other in (there, gone)]

    async def conflicts(_: AsyncSessionHandle) -> AsyncIterator[Conflict]:
        yield Conflict(labels[0], (labels[1],), (), "two animals")

    monkeypatch.setattr(AsyncSessionHandle, "conflicts", conflicts)
    (conflict,) = page.browser().get(f"{page.session}/conflicts").json()["conflicts"]
    assert set(conflict["photos"]) == {"cam/d03", there}
    assert conflict["photos"][there]["detection_id"] == there
    assert conflict["photos"][there]["file"] == "IMG_0004.JPG"
