"""What a head should make of the similarities of pairs (Spotted eq. 6, and ours).

Every term of the loss is a weighted mean of (v - t)^2 over some pairs, so the sum of all terms is one
weighted square: sum of weights * (v - targets)^2, plus a rest that no head can change. A step then costs
two matrix products and a few passes over the pairs, however many terms there are.
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
    """The loss over the pairs of n detections: sum of weights * (v - targets)^2, plus the rest.

    weights, targets: (n, n) float32, symmetric; a weight of 0 leaves a pair out.
    positives, negatives: number of ordered pairs that are pseudo-labels.
    """

    weights: torch.Tensor
    targets: torch.Tensor
    rest: float
    positives: int
    negatives: int

    def loss(self, adapted: torch.Tensor) -> Loss:
        """The loss of adapted unit vectors (n, D), its gradient by them, and what they look like."""
        similarity = adapted @ adapted.T
        squares = float(torch.dot(similarity.view(-1), similarity.view(-1)))
        similarity.clamp_(min=0.0)
        error = similarity - self.targets
        weighted = error * self.weights
        loss = float(torch.dot(error.view(-1), weighted.view(-1))) + self.rest
        # no pull on a pair whose similarity is clipped; `error` is done with, so it holds the signs
        weighted.mul_(torch.sign(similarity, out=error))
        # 2 for the square, 2 because a vector stands on both sides of its pairs
        gradient = (weighted @ adapted).mul_(4.0)
        return Loss(loss, gradient, float(similarity.mean()), len(adapted) ** 2 / squares)


@dataclass(frozen=True, slots=True)
class Loss:
    """One look at the adapted vectors.

    gradient: (n, D), of the loss by the adapted vectors.
    mean_similarity: over all pairs; 1 is collapse.
    effective_rank: (sum of l)^2 / sum of l^2 over the eigenvalues l of the vectors' covariance about 0,
        the participation ratio: 1 is collapse, n or D the most.
    """

    loss: float
    gradient: torch.Tensor
    mean_similarity: float
    effective_rank: float


def pair_targets(
    embeddings: torch.Tensor, scores: Float32Array, two_animals: BoolArray, recipe: HeadRecipe
) -> PairTargets:
    """The loss of a recipe over the pairs of some detections.

    embeddings: (n, D) unit rows. scores: (n, n) feasibility, NaN where unknown. two_animals: (n, n), pairs of
    two animals in one image; those are negatives of feasibility 0 (ours).
    Raises PreconditionError where no pair is a pseudo-label.
    """
    feasibility = torch.from_numpy(scores).masked_fill(torch.from_numpy(two_animals), 0.0)
    backbone = torch.clamp(embeddings @ embeddings.T, min=0.0)
    # a comparison with NaN is False, so an unknown pair is neither
    positives, negatives = feasibility >= recipe.positive_from, feasibility <= recipe.negative_to
    positives.fill_diagonal_(fill_value=False)
    negatives.fill_diagonal_(fill_value=False)
    if not (positives.any() or negatives.any()):
        raise PreconditionError(
            f"no pair is at or above feasibility {recipe.positive_from} or at or below {recipe.negative_to}; "
            "are places and times known?"
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
    """The mean similarity of the negatives as the target of each."""
    mean = backbone[negatives].mean() if negatives.any() else torch.zeros(())
    return mean.expand_as(backbone)


def _one_square(terms: tuple[_Term, ...]) -> tuple[torch.Tensor, torch.Tensor, float]:
    """Weights, targets and rest of a sum of terms: each a weight, its pairs and their targets.

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
    """The terms with the weight of each of their pairs; a mean over no pair adds nothing."""
    for weight, pairs, target in terms:
        count = int(pairs.sum())
        if weight and count:
            yield weight / count, pairs, target
