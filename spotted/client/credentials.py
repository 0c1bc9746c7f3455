"""A client's credentials: a bearer token and the files of TLS."""

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
    """The token that a client sends, and the certificates that it trusts and sends.

    >>> Credentials("spotted_0123abcd_secret").headers()
    [('authorization', 'Bearer spotted_0123abcd_secret')]
    """

    token: str = field(default="", repr=False)
    """As `spotted token create` printed it; "" for none."""
    ca: Path | None = None
    """PEM of the authority that signed the services' certificates; None for no TLS."""
    certificate: Path | None = None
    """PEM of the client's own certificate, if the services require one."""
    key: Path | None = None
    """PEM of the certificate's key."""

    def headers(self) -> list[tuple[str, str]]:
        """The metadata to send with every call."""
        return [("authorization", f"Bearer {self.token}")] if self.token else []

    def for_channel(self, address: str) -> grpc.ChannelCredentials | None:
        """The TLS credentials of a channel; None for no TLS.

        Raises InvalidInputError for a token or file that cannot be used, PreconditionError if a token would
        be sent over the network without encryption.
        """
        if not all("!" <= character <= "~" for character in self.token):
            raise InvalidInputError(
                "the token contains characters that no token has, such as spaces or line breaks; give it as "
                "`spotted token create` printed it"
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
    """The content of a file. named: the option or variable that gave its path.

    Raises InvalidInputError that names both if it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read ({error.strerror}); correct {named}") from error


def read_token(path: Path | None, named: str) -> str:
    """The token in a file, "" for no file. Raises InvalidInputError as `content`, and if it is not text."""
    try:
        return content(path, named).decode().strip() if path else ""
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{path} is not a token file: it is not text; correct {named}") from error
