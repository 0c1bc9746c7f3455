"""Whether two ends would speak TLS with each other: the whole handshake, in memory."""

from __future__ import annotations

import ssl
from pathlib import Path


def greets(directory: Path, host: str, *, ca: Path, own: Path | None = None) -> bool:
    """Whether a client that trusts `ca` greets a server with tls.crt of a directory under a host name.

    own: directory with a certificate of the client's; the server then asks for one of its own authority.
    """
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(directory / "tls.crt", directory / "tls.key")
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(ca)
    if own is not None:
        server.verify_mode = ssl.CERT_REQUIRED
        server.load_verify_locations(directory / "ca.crt")
        client.load_cert_chain(own / "tls.crt", own / "tls.key")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=host),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    try:
        return _shake(ends)
    except ssl.SSLError:
        return False


def _shake(ends: list[ssl.SSLObject]) -> bool:
    """Let both speak in turn until neither waits; raises ssl.SSLError if one refuses."""
    for _ in range(10):
        waiting = 0
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                waiting += 1
        if not waiting:
            return True
    return False
