"""Target similarities of pairs, and the loss of a head against them (Spotted eq. 6, and further terms).

Every term of the loss is a weighted mean of (v - t)^2 over some pairs, so the sum of all terms is one
weighted square: sum of weights * (v - targets)^2, plus a rest that does not depend on the head. A step then
costs two matrix products and a few passes over the pairs, for any number of terms.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from spotted.arrays import BoolArray, Float32Array
from spotted.errors import PreconditionError
from spotted.heads.head import HeadRecipe


@dataclass(frozen=True, slots=True)
class PairTargets:
    """The loss over the pairs of n detections: sum of weights * (v - targets)^2, plus the rest."""

    weights: torch.Tensor
    """(n, n) float32, symmetric; 0 excludes a pair."""
    targets: torch.Tensor
    """(n, n) float32, symmetric."""
    rest: float
    """Part of the loss that does not depend on the head."""
    positives: int
    """Number of ordered pairs that are positive pseudo-labels."""
    negatives: int
    """Number of ordered pairs that are negative pseudo-labels."""

    def loss(self, adapted: torch.Tensor) -> Loss:
        """The loss of adapted unit vectors (n, D), its gradient by them, and figures of their spread."""
        similarity = adapted @ adapted.T
        squares = float(torch.dot(similarity.view(-1), similarity.view(-1)))
        similarity.clamp_(min=0.0)
        error = similarity - self.targets
        weighted = error * self.weights
        loss = float(torch.dot(error.view(-1), weighted.view(-1))) + self.rest
        # a clipped similarity has no gradient; `error` is no longer needed, so it holds the signs
        weighted.mul_(torch.sign(similarity, out=error))
        # 2 for the square, and 2 because each vector is on both sides of its pairs
        gradient = (weighted @ adapted).mul_(4.0)
        return Loss(loss, gradient, float(similarity.mean()), len(adapted) ** 2 / squares)


@dataclass(frozen=True, slots=True)
class Loss:
    """The loss of adapted vectors, and figures of their spread."""

    loss: float
    gradient: torch.Tensor
    """(n, D), gradient of the loss by the adapted vectors."""
    mean_similarity: float
    """Mean over all pairs; 1: collapse."""
    effective_rank: float
    """Participation ratio (sum of l)^2 / sum of l^2 over the eigenvalues l of the covariance of the vectors
    about 0; 1: collapse, at most n or D."""


def pair_targets(
    embeddings: torch.Tensor, scores: Float32Array, two_animals: BoolArray, recipe: HeadRecipe
) -> PairTargets:
    """The loss of a recipe over the pairs of some detections.

    embeddings: (n, D) unit rows. scores: (n, n) feasibility, NaN if unknown. two_animals: (n, n), pairs of
    two animals in one image, which are negatives of feasibility 0.
    Raises PreconditionError if no pair is a pseudo-label.

    >>> import numpy as np
    >>> scores = np.array([[1.0, 0.95, 0.0], [0.95, 1.0, 0.0], [0.0, 0.0, 1.0]], dtype=np.float32)
    >>> pairs = pair_targets(torch.eye(3), scores, scores > 1, HeadRecipe())
    >>> pairs.positives, pairs.negatives
    (2, 4)
    """
    feasibility = torch.from_numpy(scores).masked_fill(torch.from_numpy(two_animals), 0.0)
    backbone = torch.clamp(embeddings @ embeddings.T, min=0.0)
    # comparisons with NaN are False, so an unknown pair is neither
    positives, negatives = feasibility >= recipe.positive_from, feasibility <= recipe.negative_to
    positives.fill_diagonal_(fill_value=False)
    negatives.fill_diagonal_(fill_value=False)
    if not (positives.any() or negatives.any()):
        raise PreconditionError(
            f"no pair is at or above feasibility {recipe.positive_from} or at or below {recipe.negative_to}; "
            "check that cameras have positions and detections have times"
        )
    feasibility.nan_to_num_()
    low = _level(backbone, negatives) if recipe.level_negatives else feasibility
    terms = (
        (recipe.anchor_weight, torch.ones_like(positives), backbone),
        (recipe.negative_weight, negatives, low),
        (recipe.positive_weight, positives, feasibility),
    )
    weights, targets, rest = _one_square(terms)
    return PairTargets(weights, targets, rest, int(positives.sum()), int(negatives.sum()))


_Term = tuple[float, torch.Tensor, torch.Tensor]


def _level(backbone: torch.Tensor, negatives: torch.Tensor) -> torch.Tensor:
    """The mean similarity of the negatives, as the target of each of them."""
    mean = backbone[negatives].mean() if negatives.any() else torch.zeros(())
    return mean.expand_as(backbone)


def _one_square(terms: tuple[_Term, ...]) -> tuple[torch.Tensor, torch.Tensor, float]:
    """Weights, targets and rest of a sum of terms; a term is a weight, its pairs and their targets.

    Over one pair, sum of w (v - t)^2 = W (v - T)^2 + sum of w t^2 - W T^2, with W the sum of the w and T
    their weighted mean of the t.
    """
    weights, pulls, squares = (torch.zeros_like(terms[0][2]) for _ in range(3))
    for each, pairs, target in _weighted(terms):
        weights.add_(pairs, alpha=each)
        pull = (pairs * target).mul_(each)
        pulls.add_(pull)
        squares.add_(pull.mul_(target))
    targets = pulls / weights.clamp(min=torch.finfo(weights.dtype).tiny)
    rest = (squares - pulls.mul_(targets)).sum(dtype=torch.float64)
    return weights, targets, float(rest)


def _weighted(terms: tuple[_Term, ...]) -> Iterator[_Term]:
    """The terms with the weight of a single pair; terms without pairs are left out."""
    for weight, pairs, target in terms:
        count = int(pairs.sum())
        if weight and count:
            yield weight / count, pairs, target
