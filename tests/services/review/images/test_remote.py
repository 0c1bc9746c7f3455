from __future__ import annotations

import http.client
import socket

import pytest

from services.review.forms.errors import ImageMissingError
from services.review.images import remote

HOSTS = ("photos.example", "photos.example:8443")


@pytest.mark.parametrize(
    "url",
    [
        "http://photos.example/a.jpg",
        "https://photos.example.evil/a.jpg",
        "https://user@photos.example/a.jpg",
        "https://photos.example@127.0.0.1/a.jpg",
        "https://127.0.0.1:7102/",
        "https:///a.jpg",
        "ftp://photos.example/a.jpg",
    ],
)
def test_other_hosts_are_refused(url: str) -> None:
    with pytest.raises(ImageMissingError):
        remote.allowed(url, "a.jpg", HOSTS)


def test_listed_hosts_are_allowed() -> None:
    for url in ("https://photos.example/a.jpg?x=1", "https://photos.example:8443/a.jpg"):
        assert remote.allowed(url, "a.jpg", HOSTS) == url


class Answers:
    """A connection that answers without a network."""

    status, content = 200, b"a jpeg"

    def __init__(self, host: str, timeout: float) -> None:
        assert (host, timeout) == ("photos.example", remote.TIMEOUT_S)

    def request(self, method: str, target: str) -> None:
        assert (method, target) == ("GET", "/a%20b.jpg?x=1")

    def getresponse(self) -> Answers:
        return self

    def read(self, most: int) -> bytes:
        return self.content[:most]

    def close(self) -> None:
        pass


def test_a_redirect_is_not_followed_and_a_size_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http.client, "HTTPSConnection", Answers)
    url = "https://photos.example/a b.jpg?x=1"
    assert remote.fetch(url, "a b.jpg") == b"a jpeg"
    monkeypatch.setattr(Answers, "status", 302)
    with pytest.raises(ImageMissingError, match="status 302"):
        remote.fetch(url, "a b.jpg")
    monkeypatch.setattr(Answers, "status", 200)
    monkeypatch.setattr(remote, "MOST_BYTES", 3)
    with pytest.raises(ImageMissingError):
        remote.fetch(url, "a b.jpg")


def test_a_host_that_does_not_answer_is_named() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(ImageMissingError, match=r"127\.0\.0\.1"):
        remote.fetch(f"https://127.0.0.1:{port}/a.jpg", "a.jpg")
