"""TLS: certificates, read again when their files change, and the check of addresses that need TLS."""

from __future__ import annotations

import ipaddress
import logging
import ssl
import threading
from collections.abc import Iterable
from pathlib import Path

import grpc

from services.common.settings import Security, Settings
from spotted.client.credentials import content
from spotted.errors import InvalidInputError, PreconditionError

VARIABLES = "SPOTTED_TLS_CERT, SPOTTED_TLS_KEY or SPOTTED_TLS_CLIENT_CA"

logger = logging.getLogger("spotted")


def check_exposure(settings: Settings) -> None:
    """Require TLS and tokens for an address that other machines can reach; warn on loopback.

    Raises PreconditionError.
    """
    security = settings.security
    missing = [
        variable
        for variable, there in (
            ("SPOTTED_TLS_CERT and SPOTTED_TLS_KEY", security.certificate is not None),
            ("SPOTTED_AUTH=tokens", security.tokens),
        )
        if not there
    ]
    if not missing:
        return
    if not is_loopback(settings.listen):
        raise PreconditionError(
            f"{settings.listen} is reachable from other machines, which would expose the positions of "
            f"endangered animals; set {' and '.join(missing)}, or listen on 127.0.0.1"
        )
    logger.warning(
        "INSECURE: without %s, everyone on this machine can read and change every survey",
        " and ".join(missing),
    )


def is_loopback(address: str) -> bool:
    """Whether an address like `127.0.0.1:7102` or `unix:/run/spotted` is reachable only from this machine."""
    if address.startswith("unix:"):
        return True
    host = address.rsplit(":", 1)[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def server_credentials(security: Security) -> grpc.ServerCredentials | None:
    """TLS credentials by the settings, None without TLS. Raises InvalidInputError for an unusable file."""
    if security.certificate is None or security.key is None:
        return None
    files = _Files(security.certificate, security.key, security.client_ca)
    first = files.read()
    credentials: grpc.ServerCredentials = grpc.dynamic_ssl_server_credentials(
        _configuration(first),
        files.changed,  # type: ignore[arg-type] # None is documented as "no change"
        require_client_authentication=security.client_ca is not None,
    )
    return credentials


class _Files:
    """Files of a certificate, its key and the authority of clients."""

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None) -> None:
        self._paths = [path for path in (certificate, key, client_ca) if path is not None]
        self._lock = threading.Lock()
        self._held: list[bytes] = []
        self._stamps: list[tuple[int, int]] = []

    def read(self) -> list[bytes]:
        """The contents of the files. Raises InvalidInputError that names unusable ones."""
        self._stamps = stamps(self._paths)
        contents = [content(path, VARIABLES) for path in self._paths]
        self._check()
        self._held = contents
        return contents

    def changed(self) -> grpc.ServerCertificateConfiguration | None:
        """The configuration for new connections, None for no change; called at every handshake.

        An unreadable file, or a key that does not match the certificate, changes nothing and is logged.
        """
        with self._lock:
            try:
                if stamps(self._paths) == self._stamps:
                    return None
                before = self._held
                configuration = _configuration(self.read())
            except InvalidInputError as error:
                logger.error("the new certificate is not used: %s", error)  # noqa: TRY400 - no trace needed
                return None
            if self._held == before:
                return None
        logger.info("the certificate was read again")
        return configuration

    def _check(self) -> None:
        """Raise InvalidInputError if the files are unusable for TLS; gRPC itself does not report that."""
        certificate, key, *client_ca = self._paths
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            # an encrypted key fails too, instead of asking for a password on the terminal
            context.load_cert_chain(certificate, key, password="")
            for path in client_ca:
                context.load_verify_locations(path)
        except (OSError, ValueError) as error:
            raise InvalidInputError(
                f"{', '.join(map(str, self._paths))} are not PEM files of a certificate, its key and the "
                f"authority of clients ({error}); correct {VARIABLES}"
            ) from error


def stamps(paths: Iterable[Path]) -> list[tuple[int, int]]:
    """Time of change and inode of each file. Raises InvalidInputError that names an unreadable one."""
    try:
        stats = [path.stat() for path in paths]
    except OSError as error:
        raise InvalidInputError(f"{error.filename} cannot be read ({error.strerror})") from error
    return [(stat.st_mtime_ns, stat.st_ino) for stat in stats]


def _configuration(contents: list[bytes]) -> grpc.ServerCertificateConfiguration:
    certificate, key, *client_ca = contents
    configuration: grpc.ServerCertificateConfiguration = grpc.ssl_server_certificate_configuration(
        [(key, certificate)], client_ca[0] if client_ca else None
    )
    return configuration
