"""Reports of the parts of an embedder on their work, for whoever counts it; by default nobody does."""

from __future__ import annotations

import time
from typing import Literal

Stage = Literal["decode", "prepare", "segment", "infer"]


class Reports:
    """Takes reports and drops them; called from several threads at once."""

    def room(self, crops: int) -> None:
        """A queue that admits this number of crops was made."""

    def waiting(self, change: int) -> None:
        """The number of images that wait for a worker changed."""

    def held(self, change: int) -> None:
        """The bytes of images admitted and not yet finished changed."""

    def batch(self, crops: int) -> None:
        """A batch of crops begins."""

    def took(self, stage: Stage, seconds: float) -> None:
        """A stage ended: of an image, of one box (segment), or of a batch (infer)."""

    def embedded(self, queued_s: float, prepared_s: float, worked_s: float) -> None:
        """An image is embedded, after its waiting, its preparation and its batch."""

    def refused_full(self) -> None:
        """An image found no room."""

    def refused_late(self) -> None:
        """An image was not finished before its deadline."""

    def timed(self, stage: Stage) -> Timed:
        """A context that reports its time as a stage, also if it fails."""
        return Timed(self, stage)


class Timed:
    """A stage that runs now."""

    __slots__ = ("_reports", "_stage", "_started_s")

    def __init__(self, reports: Reports, stage: Stage) -> None:
        self._reports = reports
        self._stage: Stage = stage
        self._started_s = 0.0

    def __enter__(self) -> None:
        self._started_s = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._reports.took(self._stage, time.perf_counter() - self._started_s)


NO_REPORTS = Reports()
