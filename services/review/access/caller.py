"""A person with a name and a token, kept by their browser in an encrypted cookie."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace

from cryptography.fernet import Fernet, InvalidToken
from starlette.requests import Request
from starlette.responses import Response

from services.review.settings import ReviewSettings
from spotted.errors import UnauthenticatedError

# a working day; then the page asks for a key or a token again
LIFETIME_S = 24 * 3600
LOGIN_REMEDY = {
    True: "log in with a token",
    False: "run `spotted review SURVEY`, which prints an address with a new key",
}


@dataclass(frozen=True, slots=True)
class Caller:
    """The person who asks."""

    annotator: str
    """The name under which answers are stored."""
    token: str = field(default="", repr=False)
    """The person's own token; "" on a machine without tokens."""
    survey_id: str = ""
    """The survey that the page was opened with; "" for none."""
    session_id: str = ""
    """The session that the page was opened with; "" for none."""


class Cookies:
    """Callers as cookies that only this server can read."""

    def __init__(self, settings: ReviewSettings, secret: Fernet) -> None:
        self._settings = settings
        self._secret = secret
        # browsers send the cookies of one host to all of its ports
        self.name = f"spotted-review-{settings.listen.rpartition(':')[2]}"

    def set(self, response: Response, caller: Caller) -> None:
        """Make the browser keep the caller."""
        text = self._secret.encrypt(json.dumps(asdict(caller)).encode()).decode()
        response.set_cookie(
            self.name,
            text,
            max_age=LIFETIME_S,
            httponly=True,
            samesite="strict",
            # on loopback there is no TLS
            secure=self._settings.tokens,
        )

    def remove(self, response: Response) -> None:
        """Make the browser forget the caller."""
        response.delete_cookie(self.name, httponly=True, samesite="strict", secure=self._settings.tokens)

    def caller(self, request: Request) -> Caller:
        """The person who sends a request. Raises UnauthenticatedError."""
        try:
            content = self._secret.decrypt(request.cookies.get(self.name, ""), ttl=LIFETIME_S)
        except InvalidToken as error:
            remedy = LOGIN_REMEDY[self._settings.tokens]
            raise UnauthenticatedError(
                f"you are not logged in, or were for more than a day; {remedy}"
            ) from error
        caller = Caller(**json.loads(content))
        named = self.named_by_proxy(request)
        return replace(caller, annotator=named) if named else caller

    def named_by_proxy(self, request: Request) -> str:
        """The name that the proxy before this server gives the person; "" if there is no such proxy.

        Raises UnauthenticatedError if a request did not come through the proxy.
        """
        if not self._settings.user_header:
            return ""
        named = request.headers.get(self._settings.user_header, "")
        if not named:
            raise UnauthenticatedError(
                "the request did not come through the proxy that logs people in; use its address"
            )
        return named
