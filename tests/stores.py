"""Real stores for tests."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spotted.local import processes

MEMORY = Path("/dev/shm")  # noqa: S108 - the directory in it has a name of its own
# room for the largest file of a run, several times over
LEAST_ROOM = 2**30


@contextmanager
def running_store() -> Iterator[str]:
    """A valkey-server with fsync on every write; yields its URL.

    Its file is kept in memory if there is room: an fsync to a disk takes milliseconds, and every write of
    every test waits for one. Stores that are killed and read again are those of `tests.faults.deployment`.
    """
    room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= LEAST_ROOM
    with tempfile.TemporaryDirectory(prefix="spotted-store-", dir=MEMORY if room else None) as name:
        directory = Path(name)
        member = processes.start_store(directory, processes.free_port())
        processes.wait(member, directory / "store.log")
        try:
            yield f"redis://{member.address}/0"
            assert member.process() is not None, "the store died during the tests"
        finally:
            processes.end(member)
