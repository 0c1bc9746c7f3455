"""What a case costs beside its time: the median call of a turn, and seconds of processor.

Processor time hardly changes with what else the machine does, so it tells where throughput goes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median

import psutil

MS = 1000.0


class Meter:
    """Notes of every turn, by case, of this process and those of servers."""

    def __init__(self, servers: Sequence[psutil.Process]) -> None:
        self._servers = servers
        self._calls_s: dict[str, list[Sequence[float]]] = {}
        self._processor_s: dict[str, list[float]] = {}

    def metered(self, case: str, work: Callable[[], Sequence[float] | None]) -> Callable[[], None]:
        """The same work, metered. work: answers the seconds of its calls, where it makes single ones."""

        def turn() -> None:
            before_s = self._now_s()
            calls_s = work()
            self._processor_s.setdefault(case, []).append(self._now_s() - before_s)
            if calls_s is not None:
                self._calls_s.setdefault(case, []).append(calls_s)

        return turn

    def p50_ms(self, case: str, pairs: int) -> list[float]:
        """The median call of each of the last turns; none where the case makes no single calls."""
        return [median(turn) * MS for turn in self._calls_s.get(case, [])[-pairs:]]

    def processor_s(self, case: str, pairs: int) -> float:
        """Seconds of processor in a turn, client and server together, the median of the last turns."""
        return median(self._processor_s[case][-pairs:])

    def _now_s(self) -> float:
        return time.process_time() + sum(_used_s(server) for server in self._servers)


def _used_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        # some servers end a process of theirs once it has done its work
        return 0.0
    return float(times.user + times.system)
