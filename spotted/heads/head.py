"""An adaptation head as arrays, and the recipe of its training (see spotted.heads.training).

A head is a residual bottleneck on the frozen, unit-length backbone embedding e of dimension D (Spotted
eq. 4): z = e + W2 relu(W1 e + b1) + b2, of rank r < D.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spotted.arrays import Float32Array

# fewer detections have too few pairs to learn from
FEWEST_DETECTIONS = 10


@dataclass(frozen=True, slots=True)
class HeadRecipe:
    """How a head is trained.

    >>> from dataclasses import replace
    >>> replace(HeadRecipe(), epochs=50, seed=1).epochs
    50
    """

    rank: int = 128
    """Width of the bottleneck."""
    epochs: int = 300
    """Steps over the survey; each step is one batch (paper: 300)."""
    learning_rate: float = 3e-4
    """Learning rate of Adam."""
    positive_from: float = 0.9
    """Least feasibility of a pair that is a positive pseudo-label."""
    negative_to: float = 0.1
    """Largest feasibility of a pair that is a negative pseudo-label."""
    positive_weight: float = 0.0
    """Weight of the positives (paper: 1). Most feasible pairs share a camera but no animal, so positives
    teach the place, which the product with feasibility then counts twice."""
    negative_weight: float = 2.0
    """Weight of the negatives (paper: 2)."""
    level_negatives: bool = True
    """Target of the negatives: their mean similarity, so that all become equally unlike. False (paper): their
    feasibility near 0, which spreads all similarities until they outweigh feasibility in the product."""
    anchor_weight: float = 2.0
    """Weight of mean (v - v_backbone)^2 over all pairs, which keeps the head from memorising places (the
    plain loss of the paper: 0)."""
    largest_batch: int = 4000
    """Most detections whose pairs are all one batch; a table of 4,000 x 4,000 pairs takes 64 MiB."""
    drawn_batch: int = 2000
    """Detections drawn at random in each step from a larger survey."""
    seed: int = 0
    """Seed of the initial weights and of the drawn detections."""


# the recipe of the paper; the learning rate, which it does not state, is chosen for it
PAPER = HeadRecipe(
    learning_rate=1e-3, positive_weight=1.0, negative_weight=2.0, level_negatives=False, anchor_weight=0.0
)


@dataclass(frozen=True, slots=True)
class Head:
    """The weights of a head for vectors of dimension D.

    >>> import numpy as np
    >>> swap = np.array([[-1, 1], [1, -1]], dtype=np.float32)
    >>> head = Head(np.eye(2, dtype=np.float32), np.zeros(2, np.float32), swap, np.zeros(2, np.float32))
    >>> head.apply(np.array([[1, 0], [0, 1]], dtype=np.float32))
    array([[0., 1.],
           [1., 0.]], dtype=float32)
    """

    w1: Float32Array
    """(r, D) float32."""
    b1: Float32Array
    """(r,) float32."""
    w2: Float32Array
    """(D, r) float32."""
    b2: Float32Array
    """(D,) float32."""

    def apply(self, embeddings: Float32Array) -> Float32Array:
        """Adapted unit vectors (n, D) of unit vectors (n, D)."""
        hidden = np.maximum(embeddings @ self.w1.T + self.b1, 0.0)
        adapted = embeddings + hidden @ self.w2.T + self.b2
        norms = np.linalg.norm(adapted, axis=1, keepdims=True)
        return np.asarray(adapted / norms, dtype=np.float32)
