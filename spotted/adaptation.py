"""An adaptation head learned from places and times alone (Spotted eqs. 4-6).

The head is a residual bottleneck on the frozen, unit-length backbone embedding e of dimension D:
z = e + W2 relu(W1 e + b1) + b2, of rank r < D. W2 and b2 begin at zero, so the untrained head is the
identity (ours). No identity label is read: pairs that one animal could easily have made count as
positives, pairs that it could hardly have made as negatives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from spotted.errors import PreconditionError
from spotted.survey import BoolArray, Float32Array, IntArray

# below this many detections there are too few pairs to learn from (ours)
FEWEST_DETECTIONS = 10


@dataclass(frozen=True, slots=True)
class HeadRecipe:
    """How a head is learned.

    rank: width of the bottleneck (ours: 128).
    epochs: steps over the survey (paper: 300, full batch).
    learning_rate: of Adam (ours: 3e-4).
    positive_from, negative_to: feasibility at or above, at or below which a pair is a pseudo-label (ours).
    positive_weight, negative_weight: weights of the two terms of the loss (paper: 1 and 2).
    anchor_weight: weight of mean (v - v_backbone)^2 over all pairs, which keeps the head from learning
        places by heart (ours: 3; 0 is the paper's plain loss).
    largest_batch: a larger survey is learned from as many detections, drawn anew at every step, so that
        memory stays bounded; a table of 4,000 x 4,000 pairs takes 64 MiB (ours).
    seed: of the initial weights and of the drawn detections.
    """

    rank: int = 128
    epochs: int = 300
    learning_rate: float = 3e-4
    positive_from: float = 0.9
    negative_to: float = 0.1
    positive_weight: float = 1.0
    negative_weight: float = 2.0
    anchor_weight: float = 3.0
    largest_batch: int = 4000
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Head:
    """The weights of a head. w1: (r, D), b1: (r,), w2: (D, r), b2: (D,), all float32."""

    w1: Float32Array
    b1: Float32Array
    w2: Float32Array
    b2: Float32Array

    def apply(self, embeddings: Float32Array) -> Float32Array:
        """Adapted unit vectors (n, D) of unit vectors (n, D)."""
        hidden = np.maximum(embeddings @ self.w1.T + self.b1, 0.0)
        adapted = embeddings + hidden @ self.w2.T + self.b2
        norms = np.linalg.norm(adapted, axis=1, keepdims=True)
        return np.asarray(adapted / norms, dtype=np.float32)


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
