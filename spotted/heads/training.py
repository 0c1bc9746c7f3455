"""An adaptation head learned from places and times alone (Spotted eqs. 4-6).

W2 and b2 begin at zero, so the untrained head is the identity (ours). No identity label is read: pairs
that one animal could easily have made count as positives, pairs that it could hardly have made as
negatives; spotted.heads.targets says what is asked of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from spotted.arrays import BoolArray, Float32Array, IntArray
from spotted.errors import PreconditionError
from spotted.heads.head import FEWEST_DETECTIONS, Head, HeadRecipe
from spotted.heads.targets import PairTargets, pair_targets

Feasibility = Callable[[IntArray], tuple[Float32Array, BoolArray]]


@dataclass(frozen=True, slots=True)
class Step:
    """Where a training stood at the start of an epoch; at the first, the head is the identity.

    positive_pairs, negative_pairs: ordered pairs that taught in this epoch.
    mean_similarity, effective_rank: of the vectors in this epoch; both 1 where the head has collapsed.
    """

    epoch: int
    loss: float
    positive_pairs: int
    negative_pairs: int
    mean_similarity: float
    effective_rank: float


def train_head(
    embeddings: Float32Array,
    feasibility: Feasibility,
    recipe: HeadRecipe,
    *,
    told: Callable[[Step], None] = lambda _: None,
) -> Head:
    """Learn a head from a survey's embeddings and the feasibility of its pairs.

    embeddings: (n, D) unit rows.
    feasibility: of given rows (m,), the (m, m) scores, NaN where unknown, and which pairs are two animals
        in one image; those are negatives (ours).
    told: called after every epoch; what it raises ends the training.
    Raises PreconditionError with fewer than FEWEST_DETECTIONS detections, or where no pair is a pseudo-label.
    """
    if len(embeddings) < FEWEST_DETECTIONS:
        raise PreconditionError(
            f"{len(embeddings)} detections are too few to learn from; at least {FEWEST_DETECTIONS} are needed"
        )
    rng = np.random.default_rng(recipe.seed)
    layers = _Layers(embeddings.shape[1], recipe)
    adam = torch.optim.Adam(layers.parameters(), lr=recipe.learning_rate)
    batch = None
    for epoch in range(1, recipe.epochs + 1):
        # on a small survey all pairs are one batch, which never changes
        if batch is None or len(embeddings) > recipe.largest_batch:
            batch = _draw(embeddings, feasibility, recipe, rng)
        told(_step(epoch, layers, adam, *batch))
    return layers.head()


class _Layers(torch.nn.Module):
    def __init__(self, dimension: int, recipe: HeadRecipe) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(recipe.seed)
        bound = dimension**-0.5
        w1 = torch.empty(recipe.rank, dimension).uniform_(-bound, bound, generator=generator)
        self.w1 = torch.nn.Parameter(w1)
        self.b1 = torch.nn.Parameter(torch.zeros(recipe.rank))
        self.w2 = torch.nn.Parameter(torch.zeros(dimension, recipe.rank))
        self.b2 = torch.nn.Parameter(torch.zeros(dimension))

    def forward(self, embeddings: torch.Tensor) -> torch.Tensor:
        hidden = torch.relu(embeddings @ self.w1.T + self.b1)
        adapted = embeddings + hidden @ self.w2.T + self.b2
        return torch.nn.functional.normalize(adapted, dim=1)

    def head(self) -> Head:
        w1, b1, w2, b2 = (p.detach().numpy().copy() for p in (self.w1, self.b1, self.w2, self.b2))
        return Head(w1, b1, w2, b2)


def _step(
    epoch: int, layers: _Layers, adam: torch.optim.Adam, embeddings: torch.Tensor, targets: PairTargets
) -> Step:
    adam.zero_grad()
    adapted = layers(embeddings)
    found = targets.loss(adapted.detach())
    # the pairs' gradient is known in closed form; only the layers are left to autograd
    adapted.backward(found.gradient)
    adam.step()
    return Step(
        epoch, found.loss, targets.positives, targets.negatives, found.mean_similarity, found.effective_rank
    )


def _draw(
    embeddings: Float32Array, feasibility: Feasibility, recipe: HeadRecipe, rng: np.random.Generator
) -> tuple[torch.Tensor, PairTargets]:
    rows = np.arange(len(embeddings))
    if len(rows) > recipe.largest_batch:
        drawn = min(recipe.drawn_batch, recipe.largest_batch)
        rows = np.sort(rng.choice(rows, drawn, replace=False))
    chosen = torch.from_numpy(embeddings[rows])
    return chosen, pair_targets(chosen, *feasibility(rows), recipe)
