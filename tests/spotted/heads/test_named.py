from __future__ import annotations

import numpy as np
import pytest

from spotted.arrays import Float32Array, IntArray
from spotted.errors import PreconditionError
from spotted.heads.named import NamedRecipe, fit_named_head, log_spread
from spotted.scoring.similarity import unit_rows

DIMENSION = 6


def photographs(animals: int = 30, each: int = 4, *, seed: int = 0) -> tuple[Float32Array, IntArray]:
    """Vectors that vary within animals along the first two elements, and between them along the others."""
    rng = np.random.default_rng(seed)
    looks = np.repeat(rng.normal(size=(animals, DIMENSION)), each, axis=0) + 0.3
    looks[:, :2] += rng.normal(scale=4.0, size=(animals * each, 2))
    looks += rng.normal(scale=0.2, size=looks.shape)
    return unit_rows(looks), np.repeat(np.arange(animals), each)


def plain(vectors: Float32Array, coats: IntArray, strength: float) -> np.ndarray:
    """The linear map as its formula, with the matrix root by eigenvalues: (1 + strength W / mean)^(-1/2)."""
    means = np.stack([vectors[coats == coat].mean(axis=0) for coat in np.unique(coats)]).astype(np.float64)
    residual = vectors - means[coats]
    within = residual.T @ residual / (len(vectors) - len(means))
    values, basis = np.linalg.eigh(np.eye(DIMENSION) + strength * within / (np.trace(within) / DIMENSION))
    root = basis @ np.diag(values**-0.5) @ basis.T
    mapped = (vectors - means.mean(axis=0)) @ root
    return np.asarray(mapped / np.linalg.norm(mapped, axis=1, keepdims=True))


@pytest.mark.parametrize("strength", [0.0, 1.0, 30.0])
def test_a_head_is_the_inverse_root_of_the_covariance_within_animals(strength: float) -> None:
    vectors, coats = photographs()
    head = fit_named_head(vectors, coats, NamedRecipe(strength=strength))
    np.testing.assert_allclose(head.apply(vectors), plain(vectors, coats, strength), atol=1e-5)
    # its units are always on, also for a vector against all of its directions
    others = unit_rows(np.concatenate([-head.w1, np.random.default_rng(1).normal(size=(9, DIMENSION))]))
    assert (others @ head.w1.T + head.b1).min() > -1e-6


def test_animals_that_it_was_not_made_from_are_found_more_often() -> None:
    head = fit_named_head(*photographs(), NamedRecipe(strength=30.0))
    others, animals = photographs(seed=1)

    def found(vectors: Float32Array) -> float:
        scores = vectors @ vectors.T
        np.fill_diagonal(scores, -2.0)
        return float((animals[scores.argmax(axis=1)] == animals).mean())

    assert found(head.apply(others)) > found(others) + 0.2


def test_fewer_directions_share_the_factor_of_the_rest() -> None:
    vectors, coats = photographs()
    few = fit_named_head(vectors, coats, NamedRecipe(rank=2))
    assert few.w1.shape == (2, DIMENSION)
    # only the first two elements vary much, so the others have about one factor
    whole = fit_named_head(vectors, coats, NamedRecipe()).apply(vectors)
    assert (few.apply(vectors) * whole).sum(axis=1).min() > 0.999


def test_order_names_and_unknown_photographs_do_not_matter() -> None:
    vectors, coats = photographs()
    order = np.random.default_rng(2).permutation(len(coats))
    stranger = unit_rows(np.random.default_rng(3).normal(size=(5, DIMENSION)))
    mixed = np.concatenate([vectors[order], stranger])
    head = fit_named_head(mixed, np.concatenate([90 - coats[order], np.full(5, -1)]), NamedRecipe())
    expected = fit_named_head(vectors, coats, NamedRecipe())
    np.testing.assert_allclose(head.apply(vectors), expected.apply(vectors), atol=1e-5)


def test_photographs_that_do_not_differ_teach_nothing() -> None:
    vectors, coats = photographs()
    for each in (1, 3):
        copies = np.repeat(vectors[::4], each, axis=0)
        with pytest.raises(PreconditionError, match="no animal has two different photographs of one flank"):
            fit_named_head(copies, np.repeat(coats[::4], each), NamedRecipe())


def test_similarities_may_keep_the_spread_of_the_backbone() -> None:
    rng = np.random.default_rng(4)
    # similarities of photographs are seldom near 0
    vectors = unit_rows(photographs()[0] + rng.normal(size=DIMENSION) * 0.8)
    coats = photographs()[1]

    def spread(rows: Float32Array) -> float:
        found = rows.astype(np.float64)
        return log_spread(found @ found.T)

    loose = fit_named_head(vectors, coats, NamedRecipe()).apply(vectors)
    kept = fit_named_head(vectors, coats, NamedRecipe(keep_spread=True)).apply(vectors)
    assert spread(loose) > 1.2 * spread(vectors)
    assert spread(kept) == pytest.approx(spread(vectors), rel=1e-3)
