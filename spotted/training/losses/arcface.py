"""Sub-center ArcFace with a margin for each individual (MiewID 3.2 and A.1).

A class has k centers, and a photograph is compared with the nearest of them (Deng et al. 2020), so that a few
wrongly named photographs settle at a center of their own. The angle to the own class is increased by a
margin m before the softmax; individuals with few photographs get a larger one (Ha et al. 2020): n^(-1/4) of
the n photographs, scaled to the range from the least to the largest margin.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from spotted.arrays import Float32Array, IntArray
from spotted.training.images.batches import Batch
from spotted.training.loop.objective import Objective
from spotted.training.networks import EmbeddingNetwork

SUB_CENTERS = 3
SCALE = 51.5
LEAST_MARGIN = 0.2
LARGEST_MARGIN = 0.5
POWER = -0.25
# keeps the root of 1 - cosine^2, and its gradient, finite
COSINE_EDGE = 1e-7


def dynamic_margins(
    counts: IntArray, *, least: float = LEAST_MARGIN, largest: float = LARGEST_MARGIN
) -> Float32Array:
    """The margin of each class in radians, (c,), by its number of photographs (c,).

    Classes of equal counts all get the largest margin.

    >>> [round(margin, 3) for margin in dynamic_margins(np.array([1, 16, 256])).tolist()]
    [0.5, 0.3, 0.2]
    """
    weights = np.maximum(counts, 1).astype(np.float64) ** POWER
    spread = weights.max() - weights.min()
    share = (weights - weights.min()) / spread if spread else np.ones_like(weights)
    return (least + (largest - least) * share).astype(np.float32)


class SubCenterArcFace(nn.Module):
    """The loss of vectors against the centers of their classes.

    >>> loss = SubCenterArcFace(dimension=8, margins=np.full(5, 0.5, dtype=np.float32))
    >>> loss.cosines(torch.rand(4, 8)).shape
    torch.Size([4, 5])
    """

    margins: torch.Tensor

    def __init__(
        self,
        *,
        dimension: int,
        margins: Float32Array,
        sub_centers: int = SUB_CENTERS,
        scale: float = SCALE,
    ) -> None:
        """margins: (c,) radians, one for each class."""
        super().__init__()
        self.scale = scale
        self.sub_centers = sub_centers
        bound = dimension**-0.5
        self.centers = nn.Parameter(torch.empty(len(margins), sub_centers, dimension).uniform_(-bound, bound))
        self.register_buffer("margins", torch.from_numpy(margins.astype(np.float32)))

    def cosines(self, vectors: torch.Tensor) -> torch.Tensor:
        """Cosines (n, c) of vectors (n, d) to the nearest center of each class."""
        classes, each, dimension = self.centers.shape
        centers = functional.normalize(self.centers.view(classes * each, dimension), dim=1)
        # a half-precision product has no room for the margin
        found = functional.normalize(vectors.to(centers.dtype), dim=1) @ centers.T
        return found.view(-1, classes, each).amax(dim=2)

    def forward(self, vectors: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The mean loss of vectors (n, d) with classes (n,)."""
        with torch.autocast(vectors.device.type, enabled=False):
            cosines = self.cosines(vectors)
            own = cosines.gather(1, labels[:, None])[:, 0].clamp(-1.0 + COSINE_EDGE, 1.0 - COSINE_EDGE)
            logits = cosines.scatter(1, labels[:, None], self._with_margin(own, labels)[:, None])
            return functional.cross_entropy(self.scale * logits, labels)

    def _with_margin(self, cosine: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """cos(angle + m); past pi - m, where that would rise again, cos(angle) - m sin(m)."""
        margin = self.margins.to(cosine.dtype)[labels]
        sine = (1.0 - cosine.square()).sqrt()
        shifted = cosine * margin.cos() - sine * margin.sin()
        return torch.where(cosine > (math.pi - margin).cos(), shifted, cosine - margin * margin.sin())


class ArcFaceObjective(Objective):
    """A network that learns to tell individuals apart by sub-center ArcFace.

    >>> flat = EmbeddingNetwork(nn.Flatten(), nn.Linear(12, 4), nn.Identity(), dimension=4)
    >>> objective = ArcFaceObjective(flat, margins=dynamic_margins(np.array([3, 9])))
    >>> objective(Batch((torch.rand(2, 3, 2, 2),), torch.tensor([0, 1]))).ndim
    0
    """

    def __init__(
        self,
        network: EmbeddingNetwork,
        *,
        margins: Float32Array,
        sub_centers: int = SUB_CENTERS,
        scale: float = SCALE,
        frozen: bool = False,
    ) -> None:
        """margins: (c,) radians. frozen: whether only the centers learn, as at the start of fine-tuning."""
        super().__init__(network)
        self.criterion = SubCenterArcFace(
            dimension=network.dimension, margins=margins, sub_centers=sub_centers, scale=scale
        )
        self.set_frozen(frozen=frozen)

    def set_frozen(self, *, frozen: bool) -> None:
        """Let only the centers learn, or all; statistics of a frozen network do not move either."""
        self.frozen = frozen
        self.network.requires_grad_(not frozen)
        self.train()

    def train(self, mode: bool = True) -> ArcFaceObjective:  # noqa: FBT001, FBT002 - torch's signature
        """Set the mode of all parts; a frozen network stays in inference mode."""
        super().train(mode)
        if self.frozen:
            self.network.eval()
        return self

    def forward(self, batch: Batch) -> torch.Tensor:
        """The mean loss of the first view of each example."""
        loss: torch.Tensor = self.criterion(self.network(batch.views[0]), batch.labels)
        return loss
