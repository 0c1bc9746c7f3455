"""Memory and processor time of every process, as a load run goes on."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import NamedTuple

import psutil

MIB = 1024.0 * 1024.0
TENTHS = 10
# services give memory back and take it again all the time, so single readings say little
LEAST_READINGS = 20


class Reading(NamedTuple):
    """A process at one moment: seconds from the start, its memory in MiB, its seconds of processor so far."""

    at_s: float
    rss_mib: float
    cpu_s: float
    pid: int


@dataclass(slots=True)
class Watch:
    """Reads all processes every so often. processes: those that live now, by name."""

    processes: Callable[[], Mapping[str, psutil.Process]]
    every_s: float = 1.0
    started_s: float = field(default_factory=time.perf_counter)
    readings: dict[str, list[Reading]] = field(default_factory=lambda: defaultdict(list))
    _last_s: float = float("-inf")

    def look(self) -> None:
        """Read all processes, if the last time is long enough ago."""
        now_s = time.perf_counter() - self.started_s
        if now_s - self._last_s < self.every_s:
            return
        self._last_s = now_s
        for name, process in self.processes().items():
            try:
                times, rss = process.cpu_times(), process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
            cpu_s = float(times.user + times.system)
            self.readings[name].append(Reading(now_s, rss / MIB, cpu_s, process.pid))

    def cores_used(self) -> dict[str, float]:
        """Cores that each process kept busy, on average over its readings."""
        return {name: _cores(found) for name, found in self.readings.items()}

    def resident_mib(self) -> dict[str, float]:
        """The memory of each process at its last reading."""
        return {name: found[-1].rss_mib for name, found in self.readings.items()}

    def growth(self) -> dict[str, float]:
        """The growth of the memory of each process that was there all the time, as a share."""
        growths = {name: growth([r.rss_mib for r in found]) for name, found in self.readings.items()}
        return {name: share for name, share in growths.items() if share is not None}


def growth(rss_mib: Sequence[float]) -> float | None:
    """The median of the last tenth over that of the tenth after the warm-up, less 1; None with too few.

    The first tenth is the warm-up: caches and pools fill.
    """
    tenth = len(rss_mib) // TENTHS
    if len(rss_mib) < LEAST_READINGS:
        return None
    return median(rss_mib[-tenth:]) / median(rss_mib[tenth : 2 * tenth]) - 1.0


def _cores(found: Sequence[Reading]) -> float:
    """A restarted process begins again at 0, so only steps within one process count."""
    used_s = sum(b.cpu_s - a.cpu_s for a, b in pairwise(found) if a.pid == b.pid)
    return used_s / max(1e-9, found[-1].at_s - found[0].at_s)
