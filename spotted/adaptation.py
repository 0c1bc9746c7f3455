"""An adaptation head learned from places and times alone (Spotted eqs. 4-6).

W2 and b2 begin at zero, so the untrained head is the identity (ours). No identity label is read: pairs
that one animal could easily have made count as positives, pairs that it could hardly have made as
negatives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from spotted.errors import PreconditionError
from spotted.heads import FEWEST_DETECTIONS, Head, HeadRecipe
from spotted.survey import BoolArray, Float32Array, IntArray


@dataclass(frozen=True, slots=True)
class Step:
    """Where a training stands after one epoch."""

    epoch: int
    loss: float
    positive_pairs: int
    negative_pairs: int
    mean_similarity: float


def train_head(
    embeddings: Float32Array,
    feasibility: Callable[[IntArray], tuple[Float32Array, BoolArray]],
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
        adam.zero_grad()
        loss, similarity = batch.loss(layers, recipe)
        loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
        adam.step()
        told(
            Step(
                epoch,
                float(loss.detach()),
                int(batch.positives.sum()),
                int(batch.negatives.sum()),
                float(similarity.detach().mean()),
            )
        )
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


@dataclass(frozen=True, slots=True)
class _Batch:
    embeddings: torch.Tensor
    feasibility: torch.Tensor
    positives: torch.Tensor
    negatives: torch.Tensor
    backbone: torch.Tensor

    def loss(self, layers: _Layers, recipe: HeadRecipe) -> tuple[torch.Tensor, torch.Tensor]:
        """Spotted eq. 6 with our anchor, and the similarities it was computed from."""
        adapted = layers(self.embeddings)
        similarity = torch.clamp(adapted @ adapted.T, min=0.0)
        error = (similarity - self.feasibility) ** 2
        loss = recipe.anchor_weight * ((similarity - self.backbone) ** 2).mean()
        for weight, mask in (
            (recipe.negative_weight, self.negatives),
            (recipe.positive_weight, self.positives),
        ):
            # the mean over an empty set adds nothing
            loss = loss + weight * (error * mask).sum() / mask.sum().clamp(min=1)
        return loss, similarity


def _draw(
    embeddings: Float32Array,
    feasibility: Callable[[IntArray], tuple[Float32Array, BoolArray]],
    recipe: HeadRecipe,
    rng: np.random.Generator,
) -> _Batch:
    rows = np.arange(len(embeddings))
    if len(rows) > recipe.largest_batch:
        rows = np.sort(rng.choice(rows, recipe.largest_batch, replace=False))
    scores, two_animals = feasibility(rows)
    scores = np.where(two_animals, np.float32(0.0), scores)
    # a comparison with NaN is False, so an unknown pair is neither
    pairs = ~np.eye(len(rows), dtype=bool)
    positives = pairs & (scores >= recipe.positive_from)
    negatives = pairs & (scores <= recipe.negative_to)
    if not (positives.any() or negatives.any()):
        raise PreconditionError(
            f"no pair is at or above feasibility {recipe.positive_from} or at or below {recipe.negative_to}; "
            "are places and times known?"
        )
    chosen = torch.from_numpy(embeddings[rows])
    return _Batch(
        chosen,
        torch.from_numpy(np.nan_to_num(scores).astype(np.float32)),
        torch.from_numpy(positives),
        torch.from_numpy(negatives),
        torch.clamp(chosen @ chosen.T, min=0.0),
    )
