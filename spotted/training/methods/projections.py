"""The small networks behind a backbone that a method trains with it and drops afterwards.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn
from torch.nn import functional

# spread of the initial weights of DINO's head
INITIAL_STD = 0.02


def projection(
    widths: Sequence[int],
    *,
    norms: bool = True,
    last_norm: bool = False,
    last_affine: bool = True,
    activation: Callable[[], nn.Module] = nn.ReLU,
) -> nn.Sequential:
    """Linear layers from the first width to the last, with an activation between them.

    norms: batch normalisation before each activation. last_norm: batch normalisation of the output.
    last_affine: whether the last normalisation has a learned scale and offset.

    >>> [type(layer).__name__ for layer in projection([4, 8, 2])]
    ['Linear', 'BatchNorm1d', 'ReLU', 'Linear']
    """
    layers: list[nn.Module] = []
    for index in range(len(widths) - 1):
        last = index == len(widths) - len(("first", "last"))
        normalised = last_norm if last else norms
        # a normalisation removes what a bias adds
        layers.append(nn.Linear(widths[index], widths[index + 1], bias=not normalised))
        if normalised:
            layers.append(nn.BatchNorm1d(widths[index + 1], affine=last_affine or not last))
        if not last:
            layers.append(activation())
    return nn.Sequential(*layers)


class Prototypes(nn.Module):
    """The head of DINO: layers to a unit vector, and its cosine with each of many learned directions.

    While `frozen`, the directions do not learn.

    >>> outputs = Prototypes(4, hidden=8, bottleneck=3, outputs=5)(torch.randn(2, 4))
    >>> outputs.shape, bool((outputs.abs() <= 1.0).all())
    (torch.Size([2, 5]), True)
    """

    def __init__(self, dimension: int, *, hidden: int, bottleneck: int, outputs: int) -> None:
        super().__init__()
        self.layers = projection([dimension, hidden, hidden, bottleneck], norms=False, activation=nn.GELU)
        for layer in self.layers:
            if isinstance(layer, nn.Linear):
                nn.init.trunc_normal_(layer.weight, std=INITIAL_STD)
                nn.init.zeros_(layer.bias)
        self.frozen = False
        self.directions = nn.Parameter(functional.normalize(torch.randn(outputs, bottleneck), dim=1))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(n, dimension) to (n, outputs)."""
        units = functional.normalize(self.layers(features), dim=1)
        directions: torch.Tensor = self.directions
        if self.frozen:
            # a gradient of 0 instead of none, which several processes would wait for
            directions = directions.detach() + 0.0 * directions
        # only their directions are learned; their length stays 1
        return functional.linear(units, functional.normalize(directions, dim=1))
