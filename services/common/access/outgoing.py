"""The channel of a service to another one, with its certificate and token; changed files are read again."""

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
    """The channel to a service. Its owner must request it at every call, since files may have changed.

    Raises InvalidInputError if a file cannot be read at the start, PreconditionError if a token would be sent
    unencrypted over the network.
    """

    def __init__(self, address: str, security: Security | None = None) -> None:
        self.address = address
        self._security = security or Security()
        self._lock = threading.Lock()
        self._stamps = self._stamped()
        self._channel = self._open()

    def channel(self) -> grpc.Channel:
        """The channel; a new one if a file changed, while running calls continue on the previous one.

        If a file can no longer be read, the channel stays the same and an error is logged.
        """
        with self._lock:
            try:
                stamps_now = self._stamped()
                if stamps_now != self._stamps:
                    self._channel, self._stamps = self._open(), stamps_now
            except InvalidInputError as error:
                logger.error("calls to %s keep their credentials: %s", self.address, error)  # noqa: TRY400 - no trace needed
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
    """The credentials of this service as a client. Raises InvalidInputError if its token cannot be read."""
    token = read_token(security.token_file, "SPOTTED_TOKEN_FILE")
    own = (security.certificate, security.key) if security.ca else (None, None)
    return Credentials(token, security.ca, *own)
