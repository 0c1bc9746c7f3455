"""The paths by which people come and go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.review.access.caller import Caller, Cookies
from services.review.forms.fields import Body
from services.review.settings import ReviewSettings
from spotted import __version__
from spotted.client.aio import AsyncSpotted
from spotted.errors import InvalidInputError, PermissionDeniedError, UnauthenticatedError
from spotted.local import review_keys

LONGEST_NAME = 256


def login_routes(
    settings: ReviewSettings, cookies: Cookies, client: Callable[[], AsyncSpotted]
) -> list[Route]:
    """The routes of logging in, out, and of the person's name. client: returns the open client."""
    people = _People(settings, cookies, client)
    return [
        Route("/api/login", people.log_in, methods=["POST"]),
        Route("/api/login", people.mode, methods=["GET"]),
        Route("/api/logout", people.log_out, methods=["POST"]),
        Route("/api/me", people.me, methods=["GET"]),
        Route("/api/me", people.rename, methods=["POST"]),
    ]


class _People:
    """The endpoints."""

    def __init__(
        self, settings: ReviewSettings, cookies: Cookies, client: Callable[[], AsyncSpotted]
    ) -> None:
        self._settings = settings
        self._cookies = cookies
        self._client = client

    async def mode(self, _: Request) -> Response:
        """How people log in."""
        return JSONResponse({"mode": self._mode})

    async def log_in(self, request: Request) -> Response:
        """Begin, with a one-time key or a token."""
        body = await Body.of(request)
        named = self._cookies.named_by_proxy(request)
        if self._settings.tokens:
            caller = await self._by_token(body, named)
        else:
            caller = self._by_key(body)
        return self._answer(request, caller)

    async def log_out(self, _: Request) -> Response:
        """Forget the person."""
        response = JSONResponse({})
        self._cookies.remove(response)
        return response

    async def me(self, request: Request) -> Response:
        """The person."""
        return JSONResponse(self._form(request, self._cookies.caller(request)))

    async def rename(self, request: Request) -> Response:
        """Change the name under which answers are stored."""
        body = await Body.of(request)
        caller = self._cookies.caller(request)
        if self._cookies.named_by_proxy(request):
            raise PermissionDeniedError("the proxy names the person; log in there under another account")
        return self._answer(request, replace(caller, annotator=_name(body)))

    @property
    def _mode(self) -> str:
        return "remote" if self._settings.tokens else "local"

    def _by_key(self, body: Body) -> Caller:
        opened = review_keys.redeem(self._settings.directory, body.text("key"))
        if opened is None:
            raise UnauthenticatedError(
                "the key of this address was used before, or is older than ten minutes; run `spotted review "
                "SURVEY`, which prints an address with a new key"
            )
        return Caller(opened.annotator, survey_id=opened.survey_id, session_id=opened.session_id)

    async def _by_token(self, body: Body, named: str) -> Caller:
        token = body.text("token")
        if not token:
            raise InvalidInputError("there is no token; paste the one that you were given", field="token")
        caller = Caller(named or _name(body), token)
        async for _ in self._client().as_caller(token).surveys():
            break
        return caller

    def _answer(self, request: Request, caller: Caller) -> Response:
        response = JSONResponse(self._form(request, caller))
        self._cookies.set(response, caller)
        return response

    def _form(self, request: Request, caller: Caller) -> dict[str, object]:
        return {
            "annotator": caller.annotator,
            "annotator_fixed": bool(self._cookies.named_by_proxy(request)),
            "mode": self._mode,
            "version": __version__,
            "survey_id": caller.survey_id,
            "session_id": caller.session_id,
        }


def _name(body: Body) -> str:
    name = body.text("annotator").strip()
    if not name or len(name) > LONGEST_NAME:
        raise InvalidInputError(
            f"your name has {len(name)} characters; use 1 to {LONGEST_NAME}", field="annotator"
        )
    return name
