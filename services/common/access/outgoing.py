"""What a service shows to another: its certificate and token, read again when their files change."""

from __future__ import annotations

import logging
import threading

import grpc

from services.common.access.tls import stamps
from services.common.settings import Security
from services.common.telemetry import tracing
from spotted.client.calls import open_channel
from spotted.client.credentials import Credentials, read_token
from spotted.errors import InvalidInputError

logger = logging.getLogger("spotted")


class Line:
    """The channel to a service. Its owner asks for it at every call, since files may have changed.

    Raises InvalidInputError where a file cannot be read at first, PreconditionError where a token would cross
    the network in the clear.
    """

    def __init__(self, address: str, security: Security | None = None) -> None:
        self.address = address
        self._security = security or Security()
        self._lock = threading.Lock()
        self._stamps = self._stamped()
        self._channel = self._open()

    def channel(self) -> grpc.Channel:
        """The channel; another one where a file changed, while calls under way go on over the one before.

        A file that cannot be read any more changes nothing: the log says so.
        """
        with self._lock:
            try:
                found = self._stamped()
                if found != self._stamps:
                    self._channel, self._stamps = self._open(), found
            except InvalidInputError as error:
                logger.error("calls to %s go on as before: %s", self.address, error)  # noqa: TRY400 - the line says all
            return self._channel

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def _open(self) -> grpc.Channel:
        return open_channel(self.address, credentials(self._security), tracing.outgoing)

    def _stamped(self) -> list[tuple[int, int]]:
        files = (self._security.ca, self._security.certificate, self._security.key, self._security.token_file)
        return stamps(path for path in files if path)


def credentials(security: Security) -> Credentials:
    """What this service shows as a client. Raises InvalidInputError where its token cannot be read."""
    token = read_token(security.token_file, "SPOTTED_TOKEN_FILE")
    own = (security.certificate, security.key) if security.ca else (None, None)
    return Credentials(token, security.ca, *own)
