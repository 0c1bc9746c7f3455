"""Objectives: the loss by which a network learns, and what moves with it.

The loop knows no loss. It calls an objective with a batch, follows its gradient, and before and after each
step passes it the position in the training, for temperatures, queues, and networks that follow the trained
one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from spotted.training.images.batches import Batch
from spotted.training.networks import EmbeddingNetwork


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a training.

    >>> Position(step=30, steps=40, epoch=1.5).share
    0.75
    """

    step: int
    """Steps done."""
    steps: int
    """Steps of the whole training."""
    epoch: float
    """Epochs done."""

    @property
    def share(self) -> float:
        """Share of the training that is done."""
        return self.step / self.steps


@dataclass(frozen=True, slots=True)
class ParameterGroup:
    """Parameters that learn at one rate."""

    parameters: Sequence[nn.Parameter]
    rate: float = 1.0
    """Factor of the rate of the schedule."""
    weight_decay: float | None = None
    """None: that of the loop's settings."""


class Objective(nn.Module):
    """A loss of a network.

    Its whole state is parameters and buffers, which a checkpoint holds. With several processes `forward` is
    called through DistributedDataParallel, so every parameter that learns is used there.

    >>> from torch.nn import functional
    >>> class Brightness(Objective):
    ...     def forward(self, batch):
    ...         return self.network(batch.views[0]).square().mean()
    >>> network = EmbeddingNetwork(nn.Flatten(), nn.Identity(), nn.Identity(), dimension=3)
    >>> float(Brightness(network)(Batch((torch.ones(2, 3, 1, 1),), torch.tensor([0, 1]))))
    1.0
    """

    def __init__(self, network: EmbeddingNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Batch) -> torch.Tensor:
        """The mean loss of a batch, a scalar."""
        raise NotImplementedError

    def groups(self) -> list[ParameterGroup]:
        """The parameters that learn."""
        return [ParameterGroup([parameter for parameter in self.parameters() if parameter.requires_grad])]

    def before_step(self, position: Position) -> None:
        """Prepare for a step, e.g. set a temperature."""

    def after_step(self, position: Position) -> None:
        """Follow a step, e.g. move a momentum network."""
