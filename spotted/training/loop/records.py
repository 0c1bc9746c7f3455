"""The course of a training in files: a table of its epochs, and TensorBoard if that is installed."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from spotted.training.loop.trainer import Step

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

TABLE = "epochs.csv"
TITLES = ("epoch", "step", "loss", "rate")


class Records:
    """The course of a training; a training that goes on adds to it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._table = folder / TABLE
        self._events = _events(folder)
        self._sum = 0.0
        self._count = 0

    def add(self, step: Step) -> None:
        """Take in a step; the row of an epoch holds the mean loss of its steps."""
        self._sum, self._count = self._sum + step.loss, self._count + 1
        if self._events is not None:
            self._events.add_scalar("loss", step.loss, step.step)
            self._events.add_scalar("rate", step.rate, step.step)
        if step.epoch == int(step.epoch):
            self._write(step)
            self._sum, self._count = 0.0, 0

    def close(self) -> None:
        """Write what is left."""
        if self._events is not None:
            self._events.close()

    def _write(self, step: Step) -> None:
        is_new = not self._table.is_file()
        with self._table.open("a", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            if is_new:
                writer.writerow(TITLES)
            loss = self._sum / self._count
            writer.writerow([int(step.epoch), step.step, f"{loss:.6f}", f"{step.rate:.8g}"])


def _events(folder: Path) -> SummaryWriter | None:
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - optional
    except ImportError:
        return None
    return SummaryWriter(folder)
