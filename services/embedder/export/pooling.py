"""Pooling of feature maps by the maxima of regions (R-MAC).

Tolias et al., "Particular object retrieval with integral max-pooling of CNN activations" (2016), section 3.2,
without its whitening.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import torch
from torch import nn

# sizes of regions: the whole map, then 2 x 2 and 3 x 3 regions that overlap
LEVELS = 3
LEAST_LENGTH = 1e-9


class RegionalMaxima(nn.Module):
    """The sum of the unit vectors of the maxima in the regions of a square feature map.

    >>> RegionalMaxima()(torch.ones(2, 4, 7, 7))[0]  # 14 regions, each of length 1
    tensor([7., 7., 7., 7.])
    """

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(n, channels, edge, edge) to (n, channels)."""
        maxima = [
            features[:, :, top : top + size, left : left + size].amax(dim=(2, 3))
            for size, top, left in regions(features.shape[2])
        ]
        lengths = [one.square().sum(dim=1, keepdim=True).sqrt().clamp(min=LEAST_LENGTH) for one in maxima]
        return torch.stack([one / length for one, length in zip(maxima, lengths, strict=True)]).sum(dim=0)


def regions(edge: int) -> list[tuple[int, int, int]]:
    """Size, top and left of each region of a map of a number of cells, the largest first.

    >>> regions(4)[:3]
    [(4, 0, 0), (2, 0, 0), (2, 0, 2)]
    """
    found = []
    for level in range(1, LEVELS + 1):
        size = max(2 * edge // (level + 1), 1)
        steps = [(edge - size) * i // max(level - 1, 1) for i in range(level)]
        found += [(size, top, left) for top in steps for left in steps]
    return found
