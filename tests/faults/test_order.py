"""Services start in any order; each comes to serve as soon as the store is there."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from spotted import local

DEADLINE_S = 60.0


@pytest.fixture
def started() -> Iterator[list[local.Member]]:
    members: list[local.Member] = []
    yield members
    for member in reversed(members):
        process = member.process()
        if process is not None:
            process.kill()
            process.wait()


def until(condition: str, member: local.Member, log: Path) -> None:
    """Wait until a line is in a log."""
    deadline = time.monotonic() + DEADLINE_S
    while condition not in log.read_text():
        assert time.monotonic() < deadline, f"{member.role}: {log.read_text()}"
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("order", list(itertools.permutations(local.SERVICES)), ids="-".join)
def test_services_that_start_before_the_store_wait_for_it(
    tmp_path: Path, models: Path, started: list[local.Member], order: tuple[str, ...]
) -> None:
    ports = {role: local.free_port() for role in local.ROLES}
    store_url = f"redis://{local.LOOPBACK}:{ports['store']}/0"
    scorer = f"{local.LOOPBACK}:{ports['scorer']}"
    for role in order:
        settings = {"SPOTTED_MODELS": str(models)}
        started.append(local.start_service(role, tmp_path, ports[role], store_url, scorer, settings))
    for member in started:
        until("waiting for the store", member, tmp_path / f"{member.role}.log")
        assert not local.serving(member.address)
    started.append(local.start_store(tmp_path, ports["store"]))
    for member in started:
        local.wait(member, tmp_path / f"{member.role}.log")
