"""Settings of the training loop."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from spotted.errors import InvalidInputError

Optimiser = Literal["adam", "adamw", "sgd"]
Precision = Literal["fp32", "bf16", "fp16"]
AveragingKind = Literal["none", "ema", "swa"]

OPTIMISERS: tuple[Optimiser, ...] = ("adam", "adamw", "sgd")
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16", "fp16")
AVERAGINGS: tuple[AveragingKind, ...] = ("none", "ema", "swa")


@dataclass(frozen=True, slots=True)
class Averaging:
    """Averages of the weights over the steps, which often generalise better than the last weights."""

    kind: AveragingKind = "none"
    """ema: exponential moving average of all steps; swa: mean of the ends of the last epochs (Izmailov et al.
    2018)."""
    decay: float = 0.999
    """ema: share of the average that stays in a step."""
    from_epoch: int = 20
    """swa: epochs before the first one that is averaged."""
    rate: float = 1.4e-4
    """swa: learning rate of the averaged epochs."""


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """How a training runs.

    >>> LoopSettings(batch_size=112, accumulation=4).part_size
    28
    """

    epochs: int = 30
    """Passes over the examples."""
    batch_size: int = 112
    """Examples of a step."""
    accumulation: int = 1
    """Parts of a batch that go through the network one after the other, to fit its memory."""
    optimiser: Optimiser = "adam"
    weight_decay: float = 0.0
    """Weight decay of the optimiser."""
    precision: Precision = "fp32"
    """Numeric format of the network's products; fp16 scales the loss so that small gradients last."""
    averaging: Averaging = field(default_factory=Averaging)
    clip_norm: float | None = None
    """Largest norm of the gradient; None: not limited."""
    seed: int = 0
    """Seed of the order, of the changes of the images, and of chance inside the network."""
    workers: int = 0
    """Processes that make batches ahead; 0: the training makes them itself."""
    device: str = "cpu"
    """Device of torch, e.g. "cuda"."""
    checkpoint_steps: int = 0
    """Steps between two checkpoints; 0: one after each epoch."""

    def __post_init__(self) -> None:
        if self.batch_size % self.accumulation:
            raise InvalidInputError(
                f"a batch of {self.batch_size} cannot be divided into {self.accumulation} parts; use a "
                "multiple",
                field="accumulation",
            )

    @property
    def part_size(self) -> int:
        """Examples that go through the network at once, by all processes together."""
        return self.batch_size // self.accumulation
