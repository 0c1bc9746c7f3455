from __future__ import annotations

import asyncio
import base64
import re
import struct
import uuid
from collections.abc import Iterator

import httpx2
import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from services.review.server import FOR_EVER, application
from services.review.settings import ReviewSettings
from spotted.local import review_keys
from spotted.local.review_keys import Opened
from tests.services.review.coordinates import coordinates_in
from tests.services.review.routes.test_evidence import merged
from tests.services.review.surveys_with_photographs import COUNT, Page

# what a role may not do: choose folders of a server, and create sessions
REFUSED = {"annotate": ("/photographs", "/sessions"), "admin": ("/photographs",), "local": ()}
# about d03; the last one contradicts the others
ANSWERS = [("cam/d04", "same"), ("cam/d07", "different"), ("cam/d04", "different")]


def test_the_page_and_its_files_are_served(page: Page) -> None:
    shown = page.client.get("/")
    assert (shown.text, shown.headers["cache-control"]) == ("<title>a page</title>", "no-cache")
    asset = page.client.get("/assets/page-1a2b.js")
    assert (asset.text, asset.headers["cache-control"]) == ("1", FOR_EVER)
    assert page.client.get("/healthz").text == "ok"
    assert page.client.get("/nosuch").json()["error"]["reason"] == "NOT_FOUND"
    assert page.client.delete("/api/me", headers={"content-type": "application/json"}).status_code == 405
    assert isinstance(ReviewSettings(), ReviewSettings)


def read(page: Page, browser: TestClient) -> Iterator[tuple[str, httpx2.Response]]:
    """The answer of every path that reads, the stream left out."""
    question = page.next(browser, count=3, shows=["gallery", "burst"])["questions"][0]
    ids = [one["detection_id"] for one in question["photos"]]
    first, second = ids[0], ids[-1] if len(ids) > 1 else "cam/d07"
    individual = browser.get(f"{page.session}/individuals").json()["individuals"][0]["individual_id"]
    query = {
        "detection": first,
        "first": first,
        "second": second,
        "accept_uncertified": "1",
        "request_id": "x",
    }
    values = {
        "survey": page.survey_id,
        "session": "main",
        "detection:path": first,
        "individual:path": individual,
        "level:int": "7",
        "column:int": "0",
        "row:int": "0",
    }
    for route in routes(page, "GET"):
        if not route.endswith("stream"):
            path = re.sub(r"{([^}]+)}", lambda name: values[name[1]], route)
            yield f"GET {route}", browser.get(path, params=query)


def written(page: Page, browser: TestClient, login: dict[str, str]) -> Iterator[tuple[str, httpx2.Response]]:
    """The answer of every path that writes."""

    def post(path: str, **body: object) -> httpx2.Response:
        return browser.post(path, json={"request_id": str(uuid.uuid4()), **body})

    survey, one = f"/api/surveys/{page.survey_id}", f"{page.session}/individuals/ind-cam/d03"
    yield "/api/login", browser.post("/api/login", json=login)
    yield "/api/me", post("/api/me", annotator="maria")
    yield f"{survey}/sessions", post(f"{survey}/sessions", session_id="main")
    yield f"{page.session}/next", post(f"{page.session}/next", count=9)
    labels = [{"first": "cam/d03", "second": d, "answer": a} for d, a in ANSWERS]
    answers = post(f"{page.session}/answers", labels=labels)
    yield f"{page.session}/answers", answers
    ids = [outcome["label"]["label_id"] for outcome in answers.json()["outcomes"]][-1:]
    yield f"{page.session}/retract/preview", post(f"{page.session}/retract/preview", label_ids=ids)
    yield f"{page.session}/retract", post(f"{page.session}/retract", label_ids=ids)
    yield f"{page.session}/leave", post(f"{page.session}/leave")
    yield one, post(one, display_name="Sita", notes="ear torn")
    split = post(f"{one}/split", detections=["cam/d04"])
    yield f"{one}/split", split
    position = split.json()["position"]
    yield "undo", post(f"{page.session}/changes/{position}/undo")
    yield f"{one}/move", post(f"{one}/move", detections=["cam/d05"])
    yield f"{one}/merge", post(f"{one}/merge", others=["ind-cam/d06"])
    yield f"{survey}/photographs", post(f"{survey}/photographs", folder=str(page.folder))
    yield "/api/logout", browser.post("/api/logout", json={})


def streamed(page: Page, browser: TestClient) -> bytes:
    """The first event of the stream of progress; a stream has no end."""
    path = f"{page.session}/progress/stream"
    host = page.client.base_url.netloc
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", host), (b"cookie", cookies.encode())],
    }
    received: list[bytes] = []

    async def run() -> None:
        seen = asyncio.Event()

        async def receive() -> dict[str, object]:
            await seen.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, object]) -> None:
            received.append(bytes(message.get("body", b"")))  # type: ignore[call-overload] # bytes
            if b"event:" in received[-1]:
                seen.set()

        await page.client.app(scope, receive, send)  # type: ignore[arg-type] # as a server calls it

    assert page.client.portal is not None
    page.client.portal.call(run)
    return b"".join(received)


def routes(page: Page, method: str) -> list[str]:
    """The paths of the application for a method."""
    found = page.client.app.routes  # type: ignore[attr-defined] # Starlette
    return [one.path for one in found if isinstance(one, Route) and method in (one.methods or ())]


@pytest.mark.parametrize("role", ["annotate", "admin", "local"])
def test_no_answer_holds_a_coordinate(request: pytest.FixtureRequest, role: str) -> None:
    page: Page = request.getfixturevalue("page" if role == "local" else "shared")
    if role == "local":
        browser = page.browser()
        merged(page, ["cam/d03", "cam/d04", "cam/d08"])
    else:
        page.client.base_url = "https://127.0.0.1:7104"
        browser = page.browser(role, page.tokens[role])
    reads = list(read(page, browser))
    assert {path for path, _ in reads} == {
        f"GET {one}" for one in routes(page, "GET") if not one.endswith("stream")
    }
    stream = streamed(page, browser)
    assert b"event: progress" in stream
    assert not coordinates_in(stream, text=True)
    if role == "local":
        key = review_keys.make(page.directory, Opened("anna", page.survey_id, "main"))
        writes = list(written(page, browser, {"key": key}))
    else:
        login = {"token": page.tokens[role], "annotator": role}
        writes = list(written(page, browser, login))
    assert len({path for path, _ in writes}) == len(routes(page, "POST"))
    for path, response in [*reads, *writes]:
        refused = any(path.endswith(one) for one in REFUSED[role])
        assert response.status_code == (403 if refused else 200), (path, response.text)
        is_picture = response.headers["content-type"] == "image/jpeg"
        assert not coordinates_in(response.content, text=not is_picture), path
        assert not coordinates_in(str(response.headers).encode(), text=True), path
        assert str(page.folder) not in response.content.decode("latin-1"), path
        assert b"GPS" not in response.content
        assert b"Exif" not in response.content


@pytest.mark.parametrize(
    "written_as",
    [
        b'{"x": 352147.0}',
        b"352.147",
        b"9.871093e6",
        b"/p?at=1%2E1811806",
        b'"356548270"',
        base64.b64encode(b"x" + struct.pack("<d", 352_147.0)),
        struct.pack(">d", 9_871_093.0).hex().encode(),
        struct.pack("<f", 352_147.0),
    ],
)
def test_a_coordinate_is_found_however_it_is_written(written_as: bytes) -> None:
    assert coordinates_in(written_as, text=True)
    assert not coordinates_in(b"2026-02-03T05:12:44Z 5390.4 0.123456", text=True)


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
