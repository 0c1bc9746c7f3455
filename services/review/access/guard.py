"""Checks of every request before anything else, and the headers of every answer.

A foreign page can make a browser send requests to this server. It must not be able to act (`Origin`, content
type, cookies of the same site), to read by another name for this address (`Host`), to embed the page (frame
ancestors), or to load its images (`Sec-Fetch-Site`).
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.review.forms.errors import error_form
from services.review.settings import ReviewSettings

# probes come from the orchestrator, by the address of the container
UNGUARDED = "/healthz"
MOST_BODY_BYTES = 1 << 20
SOURCES = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' blob: data:",
    "connect-src": "'self'",
    "font-src": "'self'",
    "manifest-src": "'self'",
    "worker-src": "'self' blob:",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
CSP = "; ".join(f"{what} {sources}" for what, sources in SOURCES.items())
HEADERS: Mapping[str, str] = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
SAFE_METHODS = frozenset({"GET", "HEAD"})
# status, reason and message
Refusal = tuple[int, str, str]
OWN_PAGE = frozenset({"", "same-origin", "none"})


class Guard:
    """Refuses what a foreign page could send, and bodies that are too large."""

    def __init__(self, app: ASGIApp, settings: ReviewSettings) -> None:
        self._app = app
        self._hosts = settings.allowed_hosts
        # behind TLS browsers must come back by TLS
        self._further = {"strict-transport-security": "max-age=31536000"} if settings.tokens else {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request and pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = None if scope["path"] == UNGUARDED else self._refusal(scope)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in {**HEADERS, **self._further}.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        if refusal is None:
            await self._app(scope, _limited(receive), with_headers)
        else:
            status, reason, message = refusal
            answer = JSONResponse(error_form(reason, message), status)
            await answer(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> Refusal | None:
        """Why a request is refused; None for one that may go on."""
        headers = Headers(scope=scope)
        if headers.get("host", "").lower() not in self._hosts:
            return 403, "FORBIDDEN_HOST", "this address is not the page's own; open the one that was printed"
        origin = headers.get("origin")
        foreign = origin is not None and urlsplit(origin).netloc.lower() not in self._hosts
        if foreign or (scope["path"] != "/" and headers.get("sec-fetch-site", "") not in OWN_PAGE):
            return 403, "FORBIDDEN_ORIGIN", "the request comes from another page; use the page itself"
        return None if scope["method"] in SAFE_METHODS else _body_refusal(headers)


def _body_refusal(headers: Headers) -> Refusal | None:
    """The refusal of a body; a form of a foreign page cannot have this content type."""
    if headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        return 400, "INVALID_INPUT", "the request has no JSON; send Content-Type: application/json"
    if int(headers.get("content-length", "0") or 0) > MOST_BODY_BYTES:
        return 400, "MESSAGE_TOO_LARGE", "the request has more than 1 MiB; send less at once"
    return None


def _limited(receive: Receive) -> Receive:
    """The body of a request, cut off where it exceeds what it may have."""
    received = 0

    async def counted() -> MutableMapping[str, Any]:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MOST_BODY_BYTES:
            # a body without a length that goes on is read no further: what came is no JSON
            return {"type": "http.request", "body": b"", "more_body": False}
        return message

    return counted
