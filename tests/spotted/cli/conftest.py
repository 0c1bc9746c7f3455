"""A data directory whose run file names servers of this process, so that commands run without start-up."""

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
from spotted.local.processes import RUN_FILE
from tests.spotted.client.surveys import serving


@dataclass(frozen=True)
class Machine:
    """A data directory, a client of what runs there, and commands on it."""

    directory: Path
    spotted: Spotted

    def run(self, *arguments: str, answers: str = "") -> Result:
        return CliRunner().invoke(main, [*arguments, "--data", str(self.directory)], input=answers)


def machine_of(directory: Path, spotted: Spotted) -> Machine:
    """A data directory that names the servers of a client."""
    members = [
        {"role": role, "port": int(address.rsplit(":", 1)[1]), "pid": 1, "started_at_s": 0.0}
        for role, address in spotted._addresses.items()
    ]
    directory.mkdir()
    (directory / RUN_FILE).write_text(json.dumps({"members": members}))
    return Machine(directory, spotted)


@pytest.fixture
def machine(tmp_path: Path, store: Store) -> Iterator[Machine]:
    with serving(store) as spotted:
        yield machine_of(tmp_path / "data", spotted)
