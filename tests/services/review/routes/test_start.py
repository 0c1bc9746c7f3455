from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.review.routes.start import survey_state
from spotted.client.values import SurveyInfo
from spotted.survey import Survey
from tests.services.review.surveys_with_photographs import COUNT, Page
from tests.waiting import until


def surveys(page: Page) -> dict[str, dict[str, Any]]:
    started = page.browser().get("/api/start").json()
    assert started["state"] == "ready"
    return {one["survey_id"]: one for one in started["surveys"]}


def test_the_first_screen_has_surveys_and_sessions(page: Page) -> None:
    shown = surveys(page)[page.survey_id]
    assert (shown["display_name"], shown["cameras"], shown["detections"]) == ("a name", 3, COUNT)
    assert shown["start"] == "2023-11-15T00:56:40+03:00"
    assert [one["session_id"] for one in shown["sessions"]] == ["main"]
    assert page.survey.session("main").info().strategy == "greedy"


def test_photographs_that_are_not_embedded_are_counted_with_the_command(page: Page) -> None:
    # two of the photographs were imported and not stored
    for number in (90, 91):
        (page.folder / "c0" / f"IMG_{number}.JPG").write_bytes(
            (page.folder / "c0" / "IMG_0000.JPG").read_bytes()
        )
    shown = until(
        lambda: (one := surveys(page)[page.survey_id])["photographs"] and one, "the files are counted"
    )
    assert shown["photographs"] == COUNT + 1
    assert shown["embedded_percent"] == 92
    assert (shown["state"], shown["command"]) == ("partly_embedded", f"spotted embed {page.survey_id}")


def test_a_survey_without_vectors_names_the_next_command(page: Page) -> None:
    other = f"{page.survey_id}-2"
    page.spotted.create_survey(Survey(other, 0.0, 100.0))
    shown = surveys(page)[other]
    assert (shown["state"], shown["photographs"]) == ("not_embedded", None)
    assert shown["command"] == f"spotted embed {other}"


@pytest.mark.parametrize(
    ("stored", "imported", "state"), [(0, 9, "not_embedded"), (9, 9, "ready"), (9, None, "ready")]
)
def test_the_state_of_a_survey(page: Page, stored: int, imported: int | None, state: str) -> None:
    info: SurveyInfo = replace(page.survey.info(), detection_count=stored)
    assert survey_state(info, imported)["state"] == state


def test_a_session_is_created_once_and_an_existing_one_is_opened(page: Page, tmp_path: Path) -> None:
    browser, path = page.browser(), f"/api/surveys/{page.survey_id}/sessions"
    sent = {"session_id": "second", "request_id": str(uuid.uuid4())}
    created, again = (browser.post(path, json=sent).json() for _ in range(2))
    assert created["session"] == again["session"]
    # `main` has another strategy than the default one
    opened = browser.post(path, json={"session_id": "main", "request_id": str(uuid.uuid4())}).json()
    assert opened["session"]["strategy"] == "greedy"
    # the progress takes longer to read: nobody who opens the page waits for it
    assert browser.get(page.session).json() == {"session": opened["session"]}
    assert browser.post(path, json={}).json()["error"]["field"] == "session_id"
    assert tmp_path.exists()


def test_services_that_are_away_are_named_with_the_command(page: Page) -> None:
    browser = page.browser()
    page.client.portal.call(_close, page)  # type: ignore[union-attr] # the application runs
    response = browser.get("/api/start")
    assert response.status_code == 409
    assert "closed" in response.json()["error"]["message"]


async def _close(page: Page) -> None:
    for route in page.client.app.routes:  # type: ignore[attr-defined] # Starlette
        review = (
            getattr(getattr(route.endpoint, "__self__", None), "_review", None)
            if hasattr(route, "endpoint")
            else None
        )
        if review is not None:
            await review.client().close()
            return
