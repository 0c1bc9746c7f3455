from __future__ import annotations

import re
import uuid
from collections.abc import Iterator

import httpx2
import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from services.review.server import FOR_EVER, application
from services.review.settings import ReviewSettings
from tests.services.review.routes.test_evidence import merged
from tests.services.review.surveys_with_photographs import COUNT, LATITUDE, LONGITUDE, SECRETS, Page


def test_the_page_and_its_files_are_served(page: Page) -> None:
    shown = page.client.get("/")
    assert (shown.text, shown.headers["cache-control"]) == ("<title>a page</title>", "no-cache")
    asset = page.client.get("/assets/page-1a2b.js")
    assert (asset.text, asset.headers["cache-control"]) == ("1", FOR_EVER)
    assert page.client.get("/healthz").text == "ok"
    assert page.client.get("/nosuch").json()["error"]["reason"] == "NOT_FOUND"
    assert page.client.delete("/api/me", headers={"content-type": "application/json"}).status_code == 405
    assert isinstance(ReviewSettings(), ReviewSettings)


def every_answer(page: Page, browser: TestClient) -> Iterator[tuple[str, httpx2.Response]]:
    """An answer of every path that reads, and of those that write."""
    question = page.next(browser, count=3, shows=["gallery", "burst"])["questions"][0]
    ids = [one["detection_id"] for one in question["photos"]]
    first, second = ids[0], ids[-1] if len(ids) > 1 else "cam/d07"
    individual = browser.get(f"{page.session}/individuals").json()["individuals"][0]["individual_id"]
    answer = {
        "request_id": str(uuid.uuid4()),
        "labels": [{"first": first, "second": second, "answer": "skip"}],
    }
    query = {
        "detection": first,
        "first": first,
        "second": second,
        "accept_uncertified": "1",
        "request_id": "x",
    }
    yield "next", browser.post(f"{page.session}/next", json={"count": 9})
    yield "answers", browser.post(f"{page.session}/answers", json=answer)
    for route in page.client.app.routes:  # type: ignore[attr-defined] # Starlette
        if (
            not isinstance(route, Route)
            or "GET" not in (route.methods or ())
            or route.path.endswith("stream")
        ):
            continue
        path = route.path
        for name, value in {
            "survey": page.survey_id,
            "session": "main",
            "detection:path": first,
            "individual:path": individual,
            "level:int": "7",
            "column:int": "0",
            "row:int": "0",
        }.items():
            path = path.replace(f"{{{name}}}", value)
        assert "{" not in path
        yield route.path, browser.get(path, params=query)


@pytest.mark.parametrize("role", ["read", "annotate", "admin", "local"])
def test_no_answer_holds_a_coordinate(request: pytest.FixtureRequest, role: str) -> None:
    page: Page = request.getfixturevalue("page" if role == "local" else "shared")
    if role == "local":
        browser = page.browser()
        merged(page, [f"cam/d{n:02}" for n in range(3, 9)])
    else:
        page.client.base_url = "https://127.0.0.1:7104"
        browser = page.browser(role, page.tokens["annotate" if role == "read" else role])
    numbers = re.compile(r"|".join(map(re.escape, SECRETS)))
    seen = set()
    for path, response in every_answer(page, browser):
        assert response.status_code == 200, (path, response.text)
        text = response.content.decode("latin-1")
        assert not numbers.search(text), path
        assert str(page.folder) not in text, path
        assert b"GPS" not in response.content
        seen.add(path)
    assert len(seen) > 20
    # the numbers are found where they are
    assert numbers.search(str(LATITUDE) + str(LONGITUDE))
    assert {c.x_m for c in page.survey.cameras()} >= {352_147.0}


def test_two_people_never_see_one_question(page: Page) -> None:
    seen: dict[str, set[str]] = {"anna": set(), "ben": set()}
    browsers = {name: page.browser(name) for name in seen}
    for _ in range(3):
        for name, browser in browsers.items():
            questions = page.next(browser, count=4)["questions"]
            seen[name] |= {one["key"] for one in questions}
            for one in questions[:2]:
                first, second = (photo["detection_id"] for photo in one["photos"])
                sent = {
                    "request_id": str(uuid.uuid4()),
                    "labels": [{"first": first, "second": second, "answer": "different"}],
                }
                assert browser.post(f"{page.session}/answers", json=sent).status_code == 200
            assert not seen["anna"] & seen["ben"]
    assert COUNT
    assert callable(application)
