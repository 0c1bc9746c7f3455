"""An adaptation head as arrays, and how one is learned; spotted.heads.training does the learning.

A head is a residual bottleneck on the frozen, unit-length backbone embedding e of dimension D (Spotted
eq. 4): z = e + W2 relu(W1 e + b1) + b2, of rank r < D.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spotted.arrays import Float32Array

# below this many detections there are too few pairs to learn from (ours)
FEWEST_DETECTIONS = 10


@dataclass(frozen=True, slots=True)
class HeadRecipe:
    """How a head is learned.

    rank: width of the bottleneck (ours: 128).
    epochs: steps over the survey (paper: 300, full batch).
    learning_rate: of Adam (ours: 3e-4).
    positive_from, negative_to: feasibility at or above, at or below which a pair is a pseudo-label (ours).
    positive_weight: weight of the positives (paper: 1; ours: 0). Most feasible pairs share a camera and no
        animal, so what they teach is the place, which the product with feasibility then counts twice.
    negative_weight: weight of the negatives (paper: 2).
    level_negatives: ask the negatives for their own mean similarity, so that they become equally unlike,
        and not for their feasibility near 0 (paper), which spreads all similarities and so makes them
        outweigh feasibility in the product (ours).
    anchor_weight: weight of mean (v - v_backbone)^2 over all pairs, which keeps the head from learning
        places by heart (ours; 0 is the paper's plain loss).
    largest_batch: up to as many detections, all pairs are one batch; a table of 4,000 x 4,000 pairs takes
        64 MiB (ours).
    drawn_batch: from a larger survey as many detections are drawn anew at every step (ours).
    seed: of the initial weights and of the drawn detections.
    """

    rank: int = 128
    epochs: int = 300
    learning_rate: float = 3e-4
    positive_from: float = 0.9
    negative_to: float = 0.1
    positive_weight: float = 0.0
    negative_weight: float = 2.0
    level_negatives: bool = True
    anchor_weight: float = 2.0
    largest_batch: int = 4000
    drawn_batch: int = 2000
    seed: int = 0


# what the paper states, with our learning rate for it
PAPER = HeadRecipe(
    learning_rate=1e-3, positive_weight=1.0, negative_weight=2.0, level_negatives=False, anchor_weight=0.0
)


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
