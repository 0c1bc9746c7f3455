"""Who a client is, and how it trusts the services: a bearer token, and the files of TLS."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from spotted.errors import InvalidInputError, PreconditionError

LOOPBACK = re.compile(
    r"((ipv4:)?127(\.\d{1,3}){3}|(dns:///)?localhost|(ipv6:)?\[::1\])(:\d+)?|unix:.*", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client shows and trusts.

    token: as `spotted token create` told it; "" for none. ca: PEM of who signed the services' certificates;
    None: no TLS. certificate, key: PEM of the client's own, where the services ask for one.
    """

    token: str = field(default="", repr=False)
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def headers(self) -> list[tuple[str, str]]:
        """What goes with every call."""
        return [("authorization", f"Bearer {self.token}")] if self.token else []

    def for_channel(self, address: str) -> grpc.ChannelCredentials | None:
        """TLS for a channel, None for none.

        Raises InvalidInputError for a token or file that cannot be used, PreconditionError where a token
        would cross the network in the clear.
        """
        if not all("!" <= character <= "~" for character in self.token):
            raise InvalidInputError(
                "the token holds signs that no token has, such as spaces or ends of lines; give it as "
                "`spotted token create` told it"
            )
        if (self.certificate is None) != (self.key is None):
            raise InvalidInputError("a client's certificate and key need each other; give both or neither")
        if self.ca is not None:
            files = [
                content(path, "its path") if path else None for path in (self.ca, self.key, self.certificate)
            ]
            credentials: grpc.ChannelCredentials = grpc.ssl_channel_credentials(*files)
            return credentials
        if self.token and not LOOPBACK.fullmatch(address):
            raise PreconditionError(
                f"a token would cross the network to {address} in the clear; give the authority that signed "
                "the services' certificates too (`ca`, --ca or SPOTTED_TLS_CA)"
            )
        return None


NOBODY = Credentials()


def content(path: Path, named: str) -> bytes:
    """What a file holds. named: where its path was given.

    Raises InvalidInputError that says both where it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read ({error.strerror}); correct {named}") from error


def read_token(path: Path | None, named: str) -> str:
    """The token in a file, "" for no file. Raises InvalidInputError for what is no text, and as `content`."""
    try:
        return content(path, named).decode().strip() if path else ""
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{path} holds no token but other bytes; correct {named}") from error
