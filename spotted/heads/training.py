"""Training of an adaptation head from places and times, without identity labels (Spotted eqs. 4-6).

W2 and b2 start at zero, so the untrained head is the identity. Pairs of detections between which one animal
could easily have travelled are positive pseudo-labels, pairs between which it could hardly have travelled
are negative ones; spotted.heads.targets defines their target similarities.

Sources and choices: docs/research/provenance.md.
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
    """State of a training at the start of an epoch.

    >>> step = Step(1, 0.5, positive_pairs=20, negative_pairs=80, mean_similarity=0.2, effective_rank=6.0)
    >>> "collapsed" if step.effective_rank < 1.5 else "healthy"
    'healthy'
    """

    epoch: int
    """From 1; in the first epoch the head is the identity."""
    loss: float
    positive_pairs: int
    """Ordered pairs that were positive pseudo-labels in this epoch."""
    negative_pairs: int
    """Ordered pairs that were negative pseudo-labels in this epoch."""
    mean_similarity: float
    """Mean similarity of the adapted vectors; 1: the head has collapsed."""
    effective_rank: float
    """Effective rank of the adapted vectors; 1: the head has collapsed."""


def train_head(
    embeddings: Float32Array,
    feasibility: Feasibility,
    recipe: HeadRecipe,
    *,
    on_progress: Callable[[Step], None] = lambda _: None,
) -> Head:
    """Train a head on the embeddings of a survey and the feasibility of its pairs.

    embeddings: (n, D) unit rows.
    feasibility: takes rows (m,) and returns their (m, m) scores, NaN if unknown, and which of the pairs are
        two animals in one image; those are negatives.
    on_progress: called after every epoch; an exception that it raises ends the training.
    Raises PreconditionError for fewer than FEWEST_DETECTIONS detections, or if no pair is a pseudo-label.

    >>> place = np.arange(12) % 2
    >>> def feasibility(rows):
    ...     same = place[rows][:, None] == place[rows]
    ...     return same.astype(np.float32), np.zeros_like(same)
    >>> steps = []
    >>> recipe = HeadRecipe(rank=2, epochs=3)
    >>> head = train_head(np.eye(12, dtype=np.float32), feasibility, recipe, on_progress=steps.append)
    >>> head.w1.shape, [step.epoch for step in steps], steps[0].positive_pairs
    ((2, 12), [1, 2, 3], 60)
    """
    if len(embeddings) < FEWEST_DETECTIONS:
        raise PreconditionError(
            f"{len(embeddings)} detections are too few to train a head; it needs at least {FEWEST_DETECTIONS}"
        )
    rng = np.random.default_rng(recipe.seed)
    layers = _Layers(embeddings.shape[1], recipe)
    adam = torch.optim.Adam(layers.parameters(), lr=recipe.learning_rate)
    batch = None
    for epoch in range(1, recipe.epochs + 1):
        # all pairs of a small survey are one batch, which never changes
        if batch is None or len(embeddings) > recipe.largest_batch:
            batch = _draw(embeddings, feasibility, recipe, rng)
        on_progress(_step(epoch, layers, adam, *batch))
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
    loss = targets.loss(adapted.detach())
    # the gradient of the pairs is known in closed form; autograd only does the layers
    adapted.backward(loss.gradient)
    adam.step()
    return Step(
        epoch, loss.loss, targets.positives, targets.negatives, loss.mean_similarity, loss.effective_rank
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
