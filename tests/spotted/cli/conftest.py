"""A data directory whose run file lists servers of this process, so that commands start no process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from services.common.store.store import Store
from spotted.cli import main
from spotted.client import Spotted
from spotted.local.processes import RUN_FILE, SERVICES
from tests.spotted.client.surveys import serving


@dataclass(frozen=True)
class Machine:
    """A data directory, a client of its services, and commands on it."""

    directory: Path
    spotted: Spotted

    def run(self, *arguments: str, answers: str = "") -> Result:
        return CliRunner().invoke(main, [*arguments, "--data", str(self.directory)], input=answers)


def machine_of(directory: Path, spotted: Spotted) -> Machine:
    """A data directory whose run file lists the servers of a client."""
    members = [
        {
            "role": role,
            "port": int(getattr(spotted.connection, role).address.rsplit(":", 1)[1]),
            "pid": 1,
            "started_at_s": 0.0,
        }
        for role in SERVICES
    ]
    directory.mkdir()
    (directory / RUN_FILE).write_text(json.dumps({"members": members}))
    return Machine(directory, spotted)


@pytest.fixture
def machine(tmp_path: Path, store: Store) -> Iterator[Machine]:
    with serving(store) as spotted:
        yield machine_of(tmp_path / "data", spotted)
