"""Seven writers of surveys and sessions, creations and deletions included, while processes are killed.

`SPOTTED_KILLS=200` kills more often than the suite does (`make kills`); with `-s` each round is reported.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from tests.faults.creations import Creations
from tests.faults.deployment import Service, StoreProcess
from tests.faults.load import Load

KILLS = int(os.environ.get("SPOTTED_KILLS", "6"))
# of one survey, so that its journals stay short enough to be read after each kill
KILLS_A_ROUND = 20
# enough pairs for the annotators of a round
PAIRED = 120
# most writes, and most calls of those who create and delete, between two kills
STEPS, CALLS = 30, 8


@dataclass
class Tally:
    """What was done in all rounds."""

    kills: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    repeated: int = 0


def play(
    store: StoreProcess, services: list[Service], rng: np.random.Generator, kills: int, tally: Tally
) -> None:
    """One round: kill at random moments, and check everything when all calls have been answered."""
    scorer, sampler = services
    load = Load(scorer.address, sampler.address, paired=PAIRED)
    load.begin()
    creations = Creations(load)
    creations.begin()
    victims: dict[str, StoreProcess | Service] = {"store": store, "scorer": scorer, "sampler": sampler}
    with load.running(*creations.works):
        for _ in range(kills):
            load.until_written(int(rng.integers(1, STEPS)))
            creations.until_answered(int(rng.integers(1, CALLS)))
            role = list(victims)[int(rng.integers(len(victims)))]
            victims[role].kill()
            victims[role].start()
            tally.kills[role] += 1
        creations.until_done()
    load.check()
    creations.check(store.client)
    load.close()
    tally.done += creations.done + load.done()
    tally.repeated += len(load.errors)


@pytest.mark.slow
def test_kills_while_surveys_and_sessions_come_and_go_lose_and_leave_nothing(tmp_path: Path) -> None:
    tally, begun_s = Tally(), time.monotonic()
    rng = np.random.default_rng(0)
    store, started = StoreProcess(tmp_path / "store"), list[StoreProcess | Service]()
    scorer = Service("scorer", tmp_path, store.url)
    services = [scorer, Service("sampler", tmp_path, store.url, scorer.address)]
    try:
        started.append(store.start())
        for service in services:
            started.append(service.start())
        while (left := KILLS - tally.kills.total()) > 0:
            play(store, services, rng, min(left, KILLS_A_ROUND), tally)
            print(f"{time.monotonic() - begun_s:.0f} s: {tally}", flush=True)  # noqa: T201 - the report of `make kills`
    finally:
        for victim in reversed(started):
            victim.kill()
    assert not any("Traceback" in service.log for service in services)
    assert tally.kills.total() == KILLS
    assert set(tally.done) == {"detections", "labels", "surveys", "sessions", "sessions of it"}
