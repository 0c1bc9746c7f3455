"""Reports of an embedder, noted for tests."""

from __future__ import annotations

from collections import Counter

from services.embedder.reports import Reports, Stage


class Noted(Reports):
    """Adds up what is reported."""

    def __init__(self) -> None:
        self.sums: Counter[str] = Counter()

    def room(self, crops: int) -> None:
        self.sums["room"] += crops

    def waiting(self, change: int) -> None:
        self.sums["waiting"] += change

    def held(self, change: int) -> None:
        self.sums["held"] += change

    def batch(self, crops: int) -> None:
        self.sums["crops"] += crops

    def took(self, stage: Stage, seconds: float) -> None:
        assert seconds >= 0.0
        self.sums[stage] += 1
