from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from services.common.store.store import Store
from services.review.access.login import LONGEST_NAME
from spotted.local import review_keys
from spotted.local.review_keys import Opened
from tests.services.review.surveys_with_photographs import Page, shared_page


def test_without_a_cookie_nothing_is_told(page: Page) -> None:
    for path in (
        "/api/me",
        "/api/start",
        page.session,
        f"{page.session}/progress",
        f"{page.session}/progress/stream",
        f"{page.session}/individuals",
        f"/api/surveys/{page.survey_id}/photos",
        page.image("cam/d03"),
        page.image("cam/d03") + "/info",
        page.image("cam/d03") + "/tiles/0/0/0",
    ):
        response = page.client.get(path)
        assert (response.status_code, response.json()["error"]["reason"]) == (401, "UNAUTHENTICATED"), path
    for path in ("next", "answers", "retract"):
        assert page.client.post(f"{page.session}/{path}", json={"request_id": "x"}).status_code == 401
    photographs = f"/api/surveys/{page.survey_id}/photographs"
    assert page.client.post(photographs, json={"folder": "/"}).status_code == 401
    assert page.client.get("/api/login").json() == {"mode": "local"}
    assert page.client.get("/").status_code == 200


def test_a_key_opens_the_page_once(page: Page) -> None:
    key = review_keys.make(page.directory, Opened("anna", page.survey_id, "main"))
    first = page.client.post("/api/login", json={"key": key})
    assert first.json() == {
        "annotator": "anna",
        "annotator_fixed": False,
        "mode": "local",
        "version": first.json()["version"],
        "survey_id": page.survey_id,
        "session_id": "main",
    }
    cookie = first.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "anna" not in cookie
    second = page.client.post("/api/login", json={"key": key})
    assert (second.status_code, "used before" in second.text) == (401, True)
    assert page.client.post("/api/login", json={"key": ""}).status_code == 401
    assert page.client.post("/api/login", json={"key": "../../x"}).status_code == 401


def test_a_name_is_changed_and_forgotten(page: Page) -> None:
    browser = page.browser("anna")
    assert browser.post("/api/me", json={"annotator": " maria "}).json()["annotator"] == "maria"
    assert browser.get("/api/me").json()["annotator"] == "maria"
    for name in ("", "x" * (LONGEST_NAME + 1), 3):
        assert browser.post("/api/me", json={"annotator": name}).status_code == 400
    browser.post("/api/logout", json={})
    assert browser.get("/api/me").status_code == 401


@pytest.mark.parametrize("cookie", ["", "x", "gAAAAABl" + "A" * 100])
def test_a_cookie_of_another_server_is_no_login(page: Page, cookie: str) -> None:
    client = TestClient(
        page.client.app, base_url=str(page.client.base_url), cookies={"spotted-review-7104": cookie}
    )
    client.portal = page.client.portal
    assert client.get("/api/me").status_code == 401


def test_people_log_in_with_their_tokens_which_stay_their_own(shared: Page) -> None:
    assert shared.client.get("/api/login").json() == {"mode": "remote"}
    anna = shared.client.post("/api/login", json={"token": shared.tokens["annotate"], "annotator": "anna"})
    assert anna.json()["mode"] == "remote"
    cookie = anna.headers["set-cookie"]
    assert "secure" in cookie.lower()
    assert shared.tokens["annotate"] not in cookie
    for wrong in ("spotted_0123456789abcdef_nothing", "", "two words", "é"):
        refused = shared.client.post("/api/login", json={"token": wrong, "annotator": "x"})
        assert refused.status_code in {400, 401}, wrong


def test_the_role_of_a_token_decides(shared: Page) -> None:
    https = "https://127.0.0.1:7104"
    shared.client.base_url = https
    reader = shared.browser("ron", shared.tokens["read"])
    assert reader.get(f"{shared.session}/progress").status_code == 200
    assert reader.get(shared.image("cam/d03")).status_code == 200
    refused = reader.post(f"{shared.session}/next", json={})
    assert (refused.status_code, refused.json()["error"]["reason"]) == (403, "PERMISSION_DENIED")
    annotator = shared.browser("anna", shared.tokens["annotate"])
    assert annotator.post(f"{shared.session}/next", json={}).status_code == 200
    sent = {"session_id": "second", "request_id": str(uuid.uuid4())}
    path = f"/api/surveys/{shared.survey_id}/sessions"
    assert annotator.post(path, json=sent).status_code == 403
    moving = {"folder": str(shared.folder)}
    admin = shared.browser("eve", shared.tokens["admin"])
    assert admin.post(f"/api/surveys/{shared.survey_id}/photographs", json=moving).status_code == 403


def test_another_organisation_sees_nothing(shared: Page) -> None:
    shared.client.base_url = "https://127.0.0.1:7104"
    mine = shared.browser("anna", shared.tokens["annotate"])
    # what is held for one person is not given to another
    assert mine.get(shared.image("cam/d03")).status_code == 200
    stranger = shared.browser("mallory", shared.tokens["stranger"])
    assert stranger.get("/api/start").json()["surveys"] == []
    for path in (shared.image("cam/d03"), shared.session, f"/api/surveys/{shared.survey_id}/photos"):
        assert stranger.get(path).status_code == 404


def test_a_proxy_names_the_person(store: Store, survey_id: str, tmp_path: Path) -> None:
    header = "x-forwarded-email"
    with shared_page(store, survey_id, tmp_path, user_header=header) as page:
        page.client.base_url = "https://127.0.0.1:7104"
        sent = {"token": page.tokens["annotate"], "annotator": "somebody else"}
        assert page.client.post("/api/login", json=sent).status_code == 401
        through = {header: "anna@example.org"}
        logged_in = page.client.post("/api/login", json=sent, headers=through).json()
        assert (logged_in["annotator"], logged_in["annotator_fixed"]) == ("anna@example.org", True)
        assert page.client.post("/api/me", json={"annotator": "maria"}, headers=through).status_code == 403
        assert page.client.get("/api/start").status_code == 401
        assert page.client.get("/api/start", headers=through).status_code == 200
