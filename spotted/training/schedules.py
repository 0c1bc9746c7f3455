"""Learning rates as functions of the epoch, which may be a fraction.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol


class Schedule(Protocol):
    """A learning rate by epoch."""

    def rate(self, epoch: float) -> float:
        """The learning rate after this many epochs, from 0."""


@dataclass(frozen=True, slots=True)
class Constant:
    """The same rate throughout.

    >>> Constant(1e-3).rate(7.5)
    0.001
    """

    value: float

    def rate(self, epoch: float) -> float:  # noqa: ARG002 - the same for every epoch
        """The learning rate after this many epochs."""
        return self.value


@dataclass(frozen=True, slots=True)
class WarmupDecay:
    """A linear rise and then a constant factor for each epoch (MiewID A.1).

    >>> paper = WarmupDecay()
    >>> [round(paper.rate(epoch), 7) for epoch in (0, 15, 16)]
    [1.5e-05, 0.0015, 0.0012]
    """

    start: float = 1.5e-5
    """Rate at the start of the first epoch."""
    peak: float = 1.5e-3
    """Rate at the end of the rise."""
    warm_up_epochs: float = 15.0
    """Epochs of the rise."""
    decay: float = 0.8
    """Factor of each epoch after the rise."""

    def rate(self, epoch: float) -> float:
        """The learning rate after this many epochs."""
        if epoch < self.warm_up_epochs:
            return self.start + (self.peak - self.start) * epoch / self.warm_up_epochs
        return self.peak * math.pow(self.decay, epoch - self.warm_up_epochs)


@dataclass(frozen=True, slots=True)
class WarmupCosine:
    """A linear rise and then half a wave of a cosine.

    >>> schedule = WarmupCosine(peak=1.0, epochs=100, warm_up_epochs=10)
    >>> [round(schedule.rate(epoch), 3) for epoch in (0, 5, 10, 55, 100)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    peak: float
    """Rate at the end of the rise."""
    epochs: float
    """Epochs of the whole schedule; the rate stays at `end` afterwards."""
    warm_up_epochs: float = 0.0
    """Epochs of the rise."""
    start: float = 0.0
    """Rate at the start of the rise."""
    end: float = 0.0
    """Rate at the end."""

    def rate(self, epoch: float) -> float:
        """The learning rate after this many epochs."""
        if epoch < self.warm_up_epochs:
            return self.start + (self.peak - self.start) * epoch / self.warm_up_epochs
        share = min((epoch - self.warm_up_epochs) / max(self.epochs - self.warm_up_epochs, 1e-9), 1.0)
        return self.end + (self.peak - self.end) * (1.0 + math.cos(math.pi * share)) / 2.0
