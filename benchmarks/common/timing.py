"""Timings of rival ways in one run, in turns, so that a slow machine slows all of them alike."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median, quantiles

SEED = 20260101


@dataclass(frozen=True, slots=True)
class Turns:
    """Seconds of each case in each turn, as many for each; those of one turn ran next to each other."""

    seconds: dict[str, tuple[float, ...]]

    def median_s(self, case: str) -> float:
        """The median over the turns."""
        return median(self.seconds[case])

    def ratio(self, case: str, base: str) -> Ratio:
        """Time of the case as a multiple of `base`: the quotient of each turn, then their median."""
        quotients = [a / b for a, b in zip(self.seconds[case], self.seconds[base], strict=True)]
        if len(quotients) == 1:
            return Ratio(*quotients * 3)
        low, middle, high = quantiles(quotients, n=4, method="inclusive")
        return Ratio(middle, low, high)


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of the turns' quotients with their quartiles."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} [{self.low:.2f}, {self.high:.2f}]"


def interleaved(*, pairs: int = 7, warm_up: int = 1, **cases: Callable[[], object]) -> Turns:
    """`in_turns` for cases that are named in the call."""
    return in_turns(cases, pairs=pairs, warm_up=warm_up)


def in_turns(cases: Mapping[str, Callable[[], object]], *, pairs: int = 7, warm_up: int = 1) -> Turns:
    """Run every case once a turn, in a new random order each turn.

    pairs: how many turns count, after `warm_up` that do not. Return values of cases are dropped at once.
    """
    order = list(cases)
    # no result depends on this order being unpredictable
    shuffler = random.Random(SEED)
    seconds: dict[str, list[float]] = {case: [] for case in cases}
    for turn in range(-warm_up, pairs):
        shuffler.shuffle(order)
        for case in order:
            started = time.perf_counter()
            cases[case]()
            taken = time.perf_counter() - started
            if turn >= 0:
                seconds[case].append(taken)
    return Turns({case: tuple(turns) for case, turns in seconds.items()})
