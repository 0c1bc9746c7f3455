"""A network that follows another one slowly: the key encoder of MoCo, the target of BYOL, DINO's teacher.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import copy
import math

import torch
from torch import nn

from spotted.training.loop.objective import Objective, Position
from spotted.training.networks import EmbeddingNetwork


class Follower(nn.Module):
    """A copy of a network whose parameters move towards it, and never by a gradient.

    >>> leader = nn.Linear(1, 1, bias=False)
    >>> follower = Follower(leader)
    >>> with torch.no_grad():
    ...     _ = leader.weight.fill_(1.0), follower.network.weight.fill_(0.0)
    >>> follower.follow(leader, momentum=0.75)
    >>> follower.network.weight.item()
    0.25
    """

    def __init__(self, leader: nn.Module) -> None:
        super().__init__()
        self.network = copy.deepcopy(leader)
        self.network.requires_grad_(requires_grad=False)

    @torch.no_grad()
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The outputs of the copy for images, without a gradient."""
        outputs: torch.Tensor = self.network(images)
        return outputs

    @torch.no_grad()
    def follow(self, leader: nn.Module, *, momentum: float) -> None:
        """Take momentum of the own parameters and 1 - momentum of the leader's."""
        for own, other in zip(self.network.parameters(), leader.parameters(), strict=True):
            own.lerp_(other.detach(), 1.0 - momentum)


class FollowedObjective(Objective):
    """An objective with a head on its network, and a follower of both that moves after each step."""

    def __init__(self, network: EmbeddingNetwork, head: nn.Module, *, momentum: float) -> None:
        super().__init__(network)
        self.head = head
        self.follower = Follower(nn.Sequential(network, head))
        self.momentum = momentum

    def after_step(self, position: Position) -> None:
        """Let the follower move."""
        momentum = rising_momentum(self.momentum, position.share)
        self.follower.follow(nn.Sequential(self.network, self.head), momentum=momentum)


def rising_momentum(start: float, share: float) -> float:
    """Momentum that rises along half a cosine, from `start` at share 0 to 1 at share 1 of the training.

    >>> rising_momentum(0.9, 0.0), round(rising_momentum(0.9, 0.5), 3), rising_momentum(0.9, 1.0)
    (0.9, 0.95, 1.0)
    """
    return 1.0 - (1.0 - start) * (math.cos(math.pi * share) + 1.0) / 2.0
