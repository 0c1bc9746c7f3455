from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from starlette.requests import Request
from starlette.responses import Response

from services.review.access.caller import LIFETIME_S, Caller, Cookies
from services.review.settings import ReviewSettings
from spotted.errors import UnauthenticatedError

SECRET = Fernet(Fernet.generate_key())


def request_with(cookie: str) -> Request:
    return Request({"type": "http", "headers": [(b"cookie", cookie.encode())]})


def test_a_caller_comes_back_from_the_cookie_and_its_token_is_in_no_text(tmp_path: Path) -> None:
    cookies, response = Cookies(ReviewSettings(directory=tmp_path), SECRET), Response()
    caller = Caller("anna", "spotted_secret", "kruger", "main")
    cookies.set(response, caller)
    header = response.headers["set-cookie"]
    assert "secret" not in header
    assert "secret" not in repr(caller)
    assert cookies.caller(request_with(header.split(";")[0])) == caller


def test_a_cookie_holds_for_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cookies = Cookies(ReviewSettings(directory=tmp_path), SECRET)
    old = SECRET.encrypt_at_time(b'{"annotator": "anna"}', 1_000_000).decode()
    request = request_with(f"{cookies.name}={old}")
    monkeypatch.setattr("time.time", lambda: 1_000_000 + LIFETIME_S - 1)
    assert cookies.caller(request).annotator == "anna"
    monkeypatch.setattr("time.time", lambda: 1_000_000 + LIFETIME_S + 1)
    with pytest.raises(UnauthenticatedError, match="more than a day"):
        cookies.caller(request)


def test_pages_on_two_ports_have_two_cookies(tmp_path: Path) -> None:
    names = {
        Cookies(ReviewSettings(listen=f"127.0.0.1:{port}", directory=tmp_path), SECRET).name
        for port in (7104, 7204)
    }
    assert len(names) == 2
