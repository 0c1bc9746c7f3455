from __future__ import annotations

import numpy as np

from spotted.heads.head import Head


def head(rank: int, dimension: int, scale: float) -> Head:
    rng = np.random.default_rng(0)
    w1, w2 = rng.normal(size=(rank, dimension)), rng.normal(size=(dimension, rank))
    b1, b2 = rng.normal(size=rank), rng.normal(size=dimension)
    return Head(*((scale * part).astype(np.float32) for part in (w1, b1, w2, b2)))


def test_a_head_of_zeros_is_the_identity_on_unit_vectors() -> None:
    rows = np.eye(4, dtype=np.float32)
    np.testing.assert_array_equal(head(2, 4, 0.0).apply(rows), rows)


def test_a_head_is_the_papers_residual_bottleneck_row_by_row() -> None:
    weights = head(3, 5, 0.5)
    rows = np.random.default_rng(1).normal(size=(6, 5)).astype(np.float32)
    for row, adapted in zip(rows, weights.apply(rows), strict=True):
        hidden = [max(0.0, float(w @ row + b)) for w, b in zip(weights.w1, weights.b1, strict=True)]
        z = row + weights.w2 @ np.array(hidden) + weights.b2
        np.testing.assert_allclose(adapted, z / np.linalg.norm(z), atol=1e-6)
