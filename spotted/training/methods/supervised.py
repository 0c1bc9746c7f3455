"""Methods that need names, to compare self-supervised ones with: Triplet and SupCon; ArcFace is MiewID's.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from pytorch_metric_learning.losses import SupConLoss, TripletMarginLoss

from spotted.training.images.batches import Batch
from spotted.training.loop.objective import Objective
from spotted.training.methods.gathering import gather_constants, gather_rows
from spotted.training.methods.projections import projection
from spotted.training.networks import EmbeddingNetwork

if TYPE_CHECKING:
    from torch import nn


class Triplet(Objective):
    """An animal is closer to itself than to any other one, by a margin (Schroff et al. 2015).

    All triplets of a batch count; those that keep the margin do not enter the mean.
    """

    def __init__(self, network: EmbeddingNetwork, *, margin: float = 0.2) -> None:
        super().__init__(network)
        self.loss: nn.Module = TripletMarginLoss(margin=margin)

    def forward(self, batch: Batch) -> torch.Tensor:
        """The loss of a batch of one or more views."""
        vectors, labels = _named(self.network, batch)
        loss: torch.Tensor = self.loss(gather_rows(vectors), labels)
        return loss


class SupCon(Objective):
    """Each view finds all views of its animal among all views of the batch (Khosla et al. 2020)."""

    def __init__(
        self, network: EmbeddingNetwork, *, hidden: int = 2048, outputs: int = 128, temperature: float = 0.1
    ) -> None:
        super().__init__(network)
        self.head = projection([network.dimension, hidden, outputs], norms=False)
        self.loss: nn.Module = SupConLoss(temperature=temperature)

    def forward(self, batch: Batch) -> torch.Tensor:
        """The loss of a batch of one or more views."""
        vectors, labels = _named(self.network, batch)
        loss: torch.Tensor = self.loss(gather_rows(self.head(vectors)), labels)
        return loss


def _named(network: nn.Module, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """The features of all views, one after the other, and the labels of those of all processes."""
    vectors = torch.cat([network(view) for view in batch.views])
    return vectors, gather_constants(batch.labels.repeat(len(batch.views)))
