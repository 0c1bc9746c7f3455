from __future__ import annotations

import pytest

from services.review.access.guard import CSP, MOST_BODY_BYTES, Guard
from tests.services.review.surveys_with_photographs import Page

OWN = {"origin": "http://127.0.0.1:7104"}


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1", "127.0.0.1:80", "127.0.0.1.evil.example:7104", "review.localhost:7104", ""],
)
def test_another_name_of_this_address_is_refused(page: Page, host: str) -> None:
    assert Guard.__doc__
    browser = page.browser()
    for path in ("/", "/api/me", page.image("cam/d03"), "/assets/page-1a2b.js"):
        response = browser.get(path, headers={"host": host})
        assert (response.status_code, response.json()["error"]["reason"]) == (403, "FORBIDDEN_HOST")
    assert browser.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1:9999", "http://127.0.0.1:7104.evil.example", ""],
)
def test_another_page_cannot_act(page: Page, origin: str) -> None:
    browser = page.browser()
    before = page.survey.session("main").info()
    for path in ("/api/me", f"{page.session}/next", f"{page.session}/answers", "/api/logout"):
        response = browser.post(path, json={"annotator": "mallory"}, headers={"origin": origin})
        assert (response.status_code, response.json()["error"]["reason"]) == (403, "FORBIDDEN_ORIGIN")
    assert page.survey.session("main").info() == before
    assert browser.post("/api/me", json={"annotator": "maria"}, headers=OWN).status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_page_cannot_load_images(page: Page, site: str) -> None:
    browser = page.browser()
    headers = {"sec-fetch-site": site}
    assert browser.get(page.image("cam/d03"), headers=headers).status_code == 403
    assert browser.get(page.image("cam/d03"), headers={"sec-fetch-site": "same-origin"}).status_code == 200
    # a link to the page may stand anywhere
    assert browser.get("/", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_a_form_of_another_page_is_no_request(page: Page, kind: str) -> None:
    content = b'{"annotator": "mallory"}'
    response = page.browser().post("/api/me", content=content, headers={"content-type": kind})
    assert (response.status_code, response.json()["error"]["reason"]) == (400, "INVALID_INPUT")


def test_a_body_is_bounded_with_and_without_its_length(page: Page) -> None:
    browser = page.browser()
    large = b'{"annotator": "' + b"a" * MOST_BODY_BYTES + b'"}'
    headers = {"content-type": "application/json"}
    response = browser.post("/api/me", content=large, headers=headers)
    assert response.json()["error"]["reason"] == "MESSAGE_TOO_LARGE"
    parts = (large[i : i + 100_000] for i in range(0, len(large), 100_000))
    assert browser.post("/api/me", content=parts, headers=headers).status_code == 400


def test_every_answer_has_the_headers_that_keep_other_pages_out(page: Page) -> None:
    browser = page.browser()
    for path in ("/", "/api/me", "/nosuch", page.image("cam/d03"), "/assets/page-1a2b.js"):
        headers = browser.get(path).headers
        assert headers["content-security-policy"] == CSP
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers
    assert browser.get("/api/me").headers["cache-control"] == "no-store"
    assert "unsafe" not in CSP
