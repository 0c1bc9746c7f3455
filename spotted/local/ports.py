"""Ports of a local run, kept when it is stopped, so that the next one has the same addresses."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from spotted.errors import PreconditionError

LOOPBACK = "127.0.0.1"
DEFAULT_PORT = 7100
PORTS_FILE = "ports.json"


def choose(
    directory: Path, roles: Sequence[str], *, used: Mapping[str, int], running: bool, wanted: int | None
) -> dict[str, int]:
    """The port of each role; 0 means any free one.

    used: ports of the run that the directory lists. running: whether one of its processes runs.
    wanted: port of the first role, the others follow; 0: any free ports, None: those of the last run. Ignored
    while processes run.
    """
    if wanted and not running:
        return {role: wanted + offset for offset, role in enumerate(roles)}
    if wanted == 0:
        return {role: used.get(role, 0) for role in roles}
    last = remembered(directory) | dict(used)
    first = last.get(roles[0], DEFAULT_PORT)
    return {role: last.get(role, first + offset) for offset, role in enumerate(roles)}


def check_free(role: str, port: int) -> None:
    """Raises PreconditionError if another process listens on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise PreconditionError(
                f"port {port} for the {role} is taken; stop the process that uses it, or choose other ports "
                "with --port"
            ) from error


def remember(directory: Path, ports: Mapping[str, int]) -> None:
    """Keep the ports of a run by role."""
    (directory / PORTS_FILE).write_text(json.dumps(dict(ports)))


def remembered(directory: Path) -> dict[str, int]:
    """The ports of the last run by role; empty if there was none."""
    try:
        kept = json.loads((directory / PORTS_FILE).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return {str(role): int(port) for role, port in kept.items()}
