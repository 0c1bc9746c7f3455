"""Memory of a service: what its container or machine allows, and how its processes share it."""

from __future__ import annotations

import asyncio
import ctypes
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spotted.errors import PreconditionError

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")
MIB = 1024**2
# part of the limit for surveys or sessions in memory; the rest is for what is computed from them
KEPT_PART = 0.5
# what a process takes before it has read anything: interpreter, packages, threads; measured: 98 to 156 MiB
PROCESS_BYTES = 160 * MIB
# streams of answers of a service take at most this, and at most this part of the limit
ANSWERS_BYTES, ANSWERS_PART = 256 * MIB, 0.125
# the least with which a process is useful: a session of 40,000 detections
LEAST_BYTES = 32 * MIB
# freed memory is returned after this much growth; that takes 0.1 s for 400 MiB
TRIM_EVERY_S, TRIM_GROWN_BYTES = 30.0, 64 * MIB


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """How the processes of a service share its memory limit."""

    limit_bytes: int
    """Memory that the service may take."""
    processes: int
    """Processes of the service."""
    budget_bytes: int
    """Surveys or sessions in memory, for each process."""
    answers_bytes: int
    """Streams of answers of the serving process."""

    @property
    def planned_bytes(self) -> int:
        """All budgets together, with what the processes take for themselves."""
        return self.processes * (self.budget_bytes + PROCESS_BYTES) + self.answers_bytes

    def __str__(self) -> str:
        """The plan for the log."""
        each = "each of " if self.processes > 1 else ""
        return (
            f"limit {_mib(self.limit_bytes)} MiB, budget {_mib(self.budget_bytes)} MiB in {each}"
            f"{_count(self.processes)}, "
            f"{_mib(self.answers_bytes)} MiB for streams of answers"
        )


def plan_memory(limit_bytes: int, *, processes: int = 1, wanted_mib: int | None = None) -> MemoryPlan:
    """Share a memory limit among the processes of a service.

    wanted_mib: budget of each process; None: half of the limit divided by the processes, or what is left.
    Raises PreconditionError if the limit is too small for the processes or for the budget wanted.
    """
    answers = min(ANSWERS_BYTES, int(ANSWERS_PART * limit_bytes))
    most = (limit_bytes - answers) // processes - PROCESS_BYTES
    if most < LEAST_BYTES:
        needed = processes * (PROCESS_BYTES + LEAST_BYTES) / (1 - ANSWERS_PART)
        raise PreconditionError(
            f"a memory limit of {_mib(limit_bytes)} MiB is too small for {_count(processes)}; raise it to "
            f"{_mib(needed) + 1} MiB (that of the container, or by SPOTTED_MEMORY_PERCENT)"
            + (", or lower SPOTTED_PLANNERS" if processes > 1 else "")
        )
    if wanted_mib is not None and wanted_mib * MIB > most:
        raise PreconditionError(
            f"SPOTTED_MEMORY_MIB is {wanted_mib}, but a memory limit of {_mib(limit_bytes)} MiB leaves "
            f"{_mib(most)} MiB for each of {_count(processes)}; set it to at most {_mib(most)}, leave it "
            "out, or raise the limit" + (", or lower SPOTTED_PLANNERS" if processes > 1 else "")
        )
    budget = min(int(KEPT_PART * limit_bytes) // processes, most) if wanted_mib is None else wanted_mib * MIB
    return MemoryPlan(limit_bytes, processes, budget, answers)


def memory_limit_bytes(*, percent: int = 100, cgroups: Path = CGROUPS, own: Path = OWN_CGROUPS) -> int:
    """The least memory limit of this process's cgroups and their parents, or else the machine's memory.

    percent: part of it that this service may take.
    cgroups: mount point of the cgroup file systems, version 1 or 2.
    own: file that lists this process's cgroups.
    """
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *_limits(cgroups, own)]) * percent // 100


def resident_bytes() -> int:
    """Memory that this process holds now."""
    # what only prepares images does without it
    import psutil  # noqa: PLC0415

    return int(psutil.Process().memory_info().rss)


async def give_back_freed(*, every_s: float = TRIM_EVERY_S, grown_bytes: int = TRIM_GROWN_BYTES) -> None:
    """Return freed memory to the system whenever this process has grown, e.g. by a flood of calls.

    By default glibc keeps what lies below a part of its heap that is in use. Other C libraries are unchanged.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    least = resident_bytes()
    while trim is not None:
        await asyncio.sleep(every_s)
        if resident_bytes() > least + grown_bytes:
            await asyncio.to_thread(trim, 0)
            least = resident_bytes()
        least = min(least, resident_bytes())


def _limits(cgroups: Path, own: Path) -> Iterator[int]:
    if not own.exists():
        return
    for line in own.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root, name = cgroups, "memory.max"
        elif "memory" in controllers.split(","):
            root, name = cgroups / "memory", "memory.limit_in_bytes"
        else:
            continue
        # inside a container the path may be that of the host, of which only the root is visible
        folder = root / path.lstrip("/")
        for parent in (folder, *folder.parents):
            if parent.is_relative_to(root) and (parent / name).is_file():
                text = (parent / name).read_text().strip()
                if text.isdecimal():
                    yield int(text)


def _mib(count_bytes: float) -> int:
    return int(count_bytes / MIB)


def _count(processes: int) -> str:
    return "1 process" if processes == 1 else f"{processes} processes"
