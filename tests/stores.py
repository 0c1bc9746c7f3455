"""Real stores for tests."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spotted.local import lock, processes

MEMORY = Path("/dev/shm")  # noqa: S108 - the directory in it has a name of its own
# room for the largest file of a run, several times over
LEAST_ROOM = 2**30
PREFIX = "spotted-store-"
# with this variable the store of all tests is a cluster
ON_CLUSTER = "SPOTTED_TEST_CLUSTER"
# locked as long as the tests run that use the store beside it
IN_USE = "tests.lock"


@contextmanager
def running_store() -> Iterator[str]:
    """A valkey-server with fsync on every write; yields its URL.

    Its file is kept in memory if there is room: an fsync to a disk takes milliseconds, and every write of
    every test waits for one. Stores that are killed and read again are those of `tests.faults.deployment`.
    """
    remove_abandoned(MEMORY)
    if ON_CLUSTER in os.environ:
        with running_cluster() as url:
            yield url
        return
    room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= LEAST_ROOM
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=MEMORY if room else None) as name:
        directory = Path(name)
        with (directory / IN_USE).open("w") as used:
            fcntl.flock(used, fcntl.LOCK_EX)
            member = processes.start_store(directory, processes.free_port())
            processes.wait(member, directory / "store.log")
            try:
                yield f"redis://{member.address}/0"
                assert member.process() is not None, "the store died during the tests"
            finally:
                processes.end(member)


@contextmanager
def running_cluster() -> Iterator[str]:
    """A cluster of three primaries; yields its URL."""
    # starts services, too, which most tests need not
    from tests.faults import cluster  # noqa: PLC0415
    from tests.faults.deployment import Deployment  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as directory, Deployment(Path(directory)) as deployment:
        yield cluster.started(deployment.store, replicas=0).url


def remove_abandoned(parent: Path) -> None:
    """Remove the stores of tests that were killed, which could not do it themselves, with their processes."""
    for used in parent.glob(f"{PREFIX}*/{IN_USE}"):
        with used.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            owner = lock.read(used.parent)
            if owner is not None:
                processes.end(processes.Member("store", 0, owner.pid, owner.started_at_s))
            shutil.rmtree(used.parent, ignore_errors=True)
