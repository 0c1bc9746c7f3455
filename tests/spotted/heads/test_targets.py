from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from spotted.arrays import BoolArray, Float32Array
from spotted.errors import PreconditionError
from spotted.heads.head import PAPER, HeadRecipe
from spotted.heads.targets import pair_targets

COUNT = 14
RECIPES = (
    HeadRecipe(),
    PAPER,
    replace(PAPER, anchor_weight=3.0),
    HeadRecipe(positive_weight=0.5, positive_from=0.7, negative_to=0.3),
)


def survey() -> tuple[torch.Tensor, Float32Array, BoolArray]:
    """Vectors, feasibility with unknown pairs and pairs of certain score, and two animals in one image."""
    rng = np.random.default_rng(5)
    vectors = torch.nn.functional.normalize(torch.from_numpy(rng.normal(size=(COUNT, 6))) + 0.4, dim=1)
    scores = rng.random((COUNT, COUNT)).astype(np.float32)
    scores = np.maximum(scores, scores.T)
    scores[scores < 0.5] = 0.05
    scores[0, 5] = scores[5, 0] = np.nan
    np.fill_diagonal(scores, 1.0)
    two_animals = np.zeros(scores.shape, dtype=np.bool_)
    two_animals[2, 3] = two_animals[3, 2] = True
    return vectors.float(), scores, two_animals


def moved(vectors: torch.Tensor) -> torch.Tensor:
    """Unit vectors near the given ones, as if adapted by a head."""
    noise = torch.from_numpy(np.random.default_rng(6).normal(size=tuple(vectors.shape))).float()
    return torch.nn.functional.normalize(vectors + 0.3 * noise, dim=1)


def plain_loss(vectors: torch.Tensor, adapted: torch.Tensor, recipe: HeadRecipe) -> torch.Tensor:
    """The loss term by term, pair by pair."""
    _, scores, two_animals = survey()
    pairs = [(i, j) for i in range(COUNT) for j in range(COUNT)]
    seen = {p: 0.0 if two_animals[p] else float(scores[p]) for p in pairs}
    positives = [p for p in pairs if p[0] != p[1] and seen[p] >= recipe.positive_from]
    negatives = [p for p in pairs if p[0] != p[1] and seen[p] <= recipe.negative_to]
    before = {(i, j): max(0.0, float(vectors[i] @ vectors[j])) for i, j in pairs}
    level = float(np.mean([before[p] for p in negatives]))

    def mean(of: list[tuple[int, int]], target: dict[tuple[int, int], float]) -> torch.Tensor:
        squares = [(torch.clamp(adapted[i] @ adapted[j], min=0.0) - target[i, j]) ** 2 for i, j in of]
        return torch.stack(squares).mean()

    low = dict.fromkeys(pairs, level) if recipe.level_negatives else seen
    return (
        recipe.anchor_weight * mean(pairs, before)
        + recipe.negative_weight * mean(negatives, low)
        + recipe.positive_weight * mean(positives, seen)
    )


@pytest.mark.parametrize("recipe", RECIPES)
def test_one_weighted_square_is_the_sum_of_all_terms(recipe: HeadRecipe) -> None:
    vectors, scores, two_animals = survey()
    adapted = moved(vectors)
    found = pair_targets(vectors, scores, two_animals, recipe).loss(adapted)
    assert found.loss == pytest.approx(float(plain_loss(vectors, adapted, recipe)), rel=1e-4)


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_gradient_is_that_of_autograd(recipe: HeadRecipe) -> None:
    vectors, scores, two_animals = survey()
    adapted = moved(vectors).requires_grad_()
    plain_loss(vectors, adapted, recipe).backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
    found = pair_targets(vectors, scores, two_animals, recipe).loss(adapted.detach())
    assert adapted.grad is not None
    np.testing.assert_allclose(found.gradient, adapted.grad, rtol=1e-3, atol=1e-6)


def test_pairs_are_counted_without_the_unknown_ones() -> None:
    vectors, scores, two_animals = survey()
    found = pair_targets(vectors, scores, two_animals, HeadRecipe())
    off = ~np.eye(COUNT, dtype=bool)
    seen = np.where(two_animals, 0.0, scores)
    assert (found.positives, found.negatives) == ((off & (seen >= 0.9)).sum(), (off & (seen <= 0.1)).sum())


@pytest.mark.parametrize("rank", [1, 3, 5])
def test_equal_directions_count_once_and_orthogonal_ones_each(rank: int) -> None:
    vectors = torch.from_numpy(np.repeat(np.eye(5, dtype=np.float32)[:rank], 4, axis=0))
    far = np.zeros((4 * rank, 4 * rank), dtype=np.float32)
    found = pair_targets(vectors, far, far > 1, HeadRecipe()).loss(vectors)
    assert found.effective_rank == pytest.approx(rank, rel=1e-5)
    assert found.mean_similarity == pytest.approx(1 / rank, rel=1e-5)


def test_a_survey_without_places_has_no_targets() -> None:
    vectors, scores, two_animals = survey()
    with pytest.raises(PreconditionError, match="check that cameras have positions"):
        pair_targets(vectors, np.full_like(scores, np.nan), np.zeros_like(two_animals), HeadRecipe())
