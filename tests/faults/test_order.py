"""Services start in any order; each comes to serve as soon as the store is there."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from spotted.local import health, processes
from tests.services import forked
from tests.waiting import until


@pytest.fixture
def started() -> Iterator[list[processes.Member]]:
    members: list[processes.Member] = []
    yield members
    for member in reversed(members):
        process = member.process()
        if process is not None:
            process.kill()
            process.wait()


def until_waiting(member: processes.Member, log: Path) -> None:
    until(lambda: "waiting for the store" in log.read_text(), f"the {member.role} waits for the store")


def waits_for_store(log: Path) -> bool:
    return "waiting for the store" in log.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("order", list(itertools.permutations(processes.SERVICES)), ids="-".join)
def test_services_that_start_before_the_store_wait_for_it(
    tmp_path: Path, models: Path, started: list[processes.Member], order: tuple[str, ...]
) -> None:
    ports = {role: processes.free_port() for role in processes.ROLES}
    store_url = f"redis://{processes.LOOPBACK}:{ports['store']}/0"
    scorer = f"{processes.LOOPBACK}:{ports['scorer']}"
    for role in order:
        settings = {"SPOTTED_MODELS": str(models)}
        started.append(forked.start_service(role, tmp_path, ports[role], store_url, scorer, settings))
    for member in started:
        log = tmp_path / f"{member.role}.log"
        until(partial(waits_for_store, log), f"{member.role} waits for the store")
        assert not health.serving(member.address)
    started.append(processes.start_store(tmp_path, ports["store"]))
    for member in started:
        processes.wait(member, tmp_path / f"{member.role}.log")
