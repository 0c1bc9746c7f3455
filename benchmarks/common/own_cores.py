"""A core of its own for the client of a benchmark, so that its cost is not taken from the server.

A CPU set of Linux's control groups holds the client, if one can be made (version 1, as root); else the client
and the server are bound to their cores one by one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CPUSETS = Path("/sys/fs/cgroup/cpuset")


class Split:
    """The cores of this process, of which the first is for the client and the others for servers."""

    def __init__(self, cores: list[int], group: Path | None) -> None:
        """Begin. group: a CPU set for the client; None: it cannot be had."""
        self._cores = cores
        self._group = group

    @property
    def server_cores(self) -> int:
        """Number of cores of what is started before `enter_client`."""
        return max(1, len(self._cores) - 1)

    @property
    def means(self) -> str:
        """The way in which the two are kept apart, for a report."""
        if len(self._cores) == 1:
            return "nothing: one core"
        return "affinity" if self._group is None else "a CPU set of its own"

    def enter_client(self) -> None:
        """Leave the cores of what was started before; for the main thread, before it starts others."""
        os.sched_setaffinity(0, self._cores[:1])
        if self._group is not None:
            (self._group / "cgroup.procs").write_text(str(os.getpid()))


@contextmanager
def client_apart(cpusets: Path = CPUSETS) -> Iterator[Split]:
    """Split the cores: processes started in the context run on all but the first, until `enter_client`."""
    cores = sorted(os.sched_getaffinity(0))
    group = _made(cpusets, cores[0]) if len(cores) > 1 else None
    os.sched_setaffinity(0, cores[1:] or cores)
    try:
        yield Split(cores, group)
    finally:
        if group is not None:
            (cpusets / "cgroup.procs").write_text(str(os.getpid()))
            group.rmdir()
        os.sched_setaffinity(0, cores)


def _made(cpusets: Path, core: int) -> Path | None:
    """A CPU set of one core; None if this system has none, or this process may not make one."""
    group = cpusets / f"spotted-benchmark-{os.getpid()}"
    try:
        group.mkdir()
        (group / "cpuset.mems").write_text((cpusets / "cpuset.mems").read_text())
        (group / "cpuset.cpus").write_text(str(core))
    except OSError:
        with suppress(OSError):
            group.rmdir()
        return None
    return group
