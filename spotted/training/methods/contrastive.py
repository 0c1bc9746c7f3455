"""Methods that tell the two views of an example from those of others: SimCLR, MoCo and Barlow Twins.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from spotted.training.images.batches import Batch
from spotted.training.loop.objective import Objective
from spotted.training.methods.gathering import gather_constants, gather_rows
from spotted.training.methods.losses import cross_correlation, nt_xent, nt_xent_with_queue
from spotted.training.methods.momentum import FollowedObjective
from spotted.training.methods.projections import projection
from spotted.training.networks import EmbeddingNetwork


class SimCLR(Objective):
    """Each view finds its other view among all views of the batch (Chen et al. 2020).

    The batch is that of all processes.
    """

    def __init__(
        self, network: EmbeddingNetwork, *, hidden: int = 2048, outputs: int = 128, temperature: float = 0.5
    ) -> None:
        super().__init__(network)
        self.head = projection([network.dimension, hidden, outputs], last_norm=True)
        self.temperature = temperature

    def forward(self, batch: Batch) -> torch.Tensor:
        """The loss of a batch of two views."""
        first, second = (gather_rows(self.head(self.network(view))) for view in batch.views)
        return nt_xent(first, second, temperature=self.temperature)


class MoCo(FollowedObjective):
    """The first view finds the second among views of earlier batches, seen by a follower (He et al. 2020)."""

    def __init__(
        self,
        network: EmbeddingNetwork,
        *,
        hidden: int = 2048,
        outputs: int = 128,
        temperature: float = 0.5,
        queue: int = 4096,
        momentum: float = 0.996,
    ) -> None:
        head = projection([network.dimension, hidden, outputs], norms=False)
        super().__init__(network, head, momentum=momentum)
        # until batches have filled it, the queue holds random directions
        self.queue = nn.Buffer(functional.normalize(torch.randn(queue, outputs), dim=1))
        self.oldest = nn.Buffer(torch.zeros((), dtype=torch.long))
        self.temperature = temperature

    def forward(self, batch: Batch) -> torch.Tensor:
        """The loss of a batch of two views; the keys of the second, of all processes, join the queue."""
        first, second = batch.views
        keys = self.follower(second)
        # the gradient needs the queue as it was
        earlier = self.queue.clone()
        loss = nt_xent_with_queue(self.head(self.network(first)), keys, earlier, temperature=self.temperature)
        self._enqueue(gather_constants(functional.normalize(keys, dim=1)))
        return loss

    @torch.no_grad()
    def _enqueue(self, keys: torch.Tensor) -> None:
        newest = keys[-len(self.queue) :]
        rows = (self.oldest + torch.arange(len(newest), device=newest.device)) % len(self.queue)
        self.queue[rows] = newest.to(self.queue.dtype)
        self.oldest.add_(len(newest)).remainder_(len(self.queue))


class BarlowTwins(Objective):
    """Each dimension is alike in both views and unlike all other dimensions (Zbontar et al. 2021)."""

    def __init__(
        self,
        network: EmbeddingNetwork,
        *,
        hidden: int = 2048,
        outputs: int = 2048,
        redundancy_weight: float = 5e-3,
    ) -> None:
        super().__init__(network)
        self.head = projection([network.dimension, hidden, hidden, outputs])
        self.redundancy_weight = redundancy_weight

    def forward(self, batch: Batch) -> torch.Tensor:
        """The loss of a batch of two views."""
        first, second = (gather_rows(self.head(self.network(view))) for view in batch.views)
        return cross_correlation(first, second, redundancy_weight=self.redundancy_weight)
