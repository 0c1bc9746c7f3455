"""Every kind of product: bounds hold, close values are close, and no ranking depends on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotted.ranking.candidate_lists import CandidateTable
from spotted.ranking.gallery import Gallery
from spotted.ranking.products import DeviceProducts, IntegerProducts, Products, SingleProducts
from spotted.ranking.products.integer_kernel import multiply_codes
from spotted.ranking.ranker import Ranker
from spotted.ranking.unstored_query import UnstoredQuery, rank_unstored
from spotted.scoring.fusion import Fusion
from spotted.scoring.similarity import product_error, single_precision, unit_rows
from tests.spotted.surveys import random_gallery

Vectors = npt.NDArray[np.floating[Any]]
Make = Callable[[Vectors], Products]
K = 4


def on_device(vectors: Vectors) -> Products:
    pytest.importorskip("torch", reason="the extra `train` is not installed")
    return DeviceProducts(vectors, "cpu")


def integers(vectors: Vectors) -> Products:
    products = IntegerProducts.if_possible(vectors)
    return products or pytest.skip("NumKong is not installed, or not exact here")


def plain_integers(vectors: Vectors) -> Products:
    return IntegerProducts(vectors, multiply_codes)


KINDS = pytest.mark.parametrize("make", [SingleProducts, integers, plain_integers, on_device])


def hard_vectors(count: int, dimension: int, seed: int, dtype: type[np.floating]) -> Vectors:
    """Near-ties closer than any rounding, equal rows, rows of few large elements, and the smallest floats."""
    rng = np.random.default_rng(seed)
    looks = rng.normal(size=(count, dimension)) + 3.0
    looks[1::7] = looks[:1] * (1 + 1e-6 * rng.normal(size=looks[1::7].shape))
    looks[2::7] = looks[:1]
    looks[3::7, 1:] *= 1e-4
    looks[4::7] = -looks[4::7]
    looks[5::7, ::2] = 0.0
    rows = unit_rows(looks).astype(dtype)
    rows[6::7, : dimension // 2] = np.finfo(dtype).smallest_subnormal
    return rows


@KINDS
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_bounds_hold_and_close_values_are_close(make: Make, dtype: type[np.floating]) -> None:
    vectors = hard_vectors(60, 320, seed=1, dtype=dtype)
    vectors[11] = 0
    wide = vectors.astype(np.float64)
    product = make(vectors).multiply(single_precision(vectors[5:25]), slice(3, 50))
    exact = wide[5:25] @ wide[3:50].T
    most = np.concatenate([product.most(slice(i, i + 7)) for i in range(0, 20, 7)])
    assert (most >= exact).all()
    assert (most <= exact + 0.06).all()
    queries, rows = np.divmod(np.arange(20 * 47), 47)
    for some in (slice(None), slice(100, 108), slice(0, 0)):
        close = product.cosines(queries[some], rows[some])
        assert np.abs(close - exact[queries[some], rows[some]]).max(initial=0) <= product_error(320)


@KINDS
@pytest.mark.parametrize("fusion", list(Fusion))
def test_no_ranking_depends_on_the_product(make: Make, fusion: Fusion) -> None:
    gallery = random_gallery(80, seed=3)
    gallery = replace(gallery, embeddings=hard_vectors(80, 96, seed=4, dtype=np.float16))
    known, ranker = Ranker(gallery), Ranker(gallery, make(gallery.embeddings))
    for queries in (np.arange(80), np.array([7, 3, 3, 79]), np.array([11])):
        for one, other in zip(
            known.top_k(queries, K, fusion=fusion, block=30),
            ranker.top_k(queries, K, fusion=fusion, block=25, threads=2),
            strict=True,
        ):
            assert (one.rows.tolist(), one.compared) == (other.rows.tolist(), other.compared)
            np.testing.assert_array_equal(one.scores.fused, other.scores.fused)
    query = UnstoredQuery(single_precision(gallery.embeddings[:1])[0], gallery.table.at(np.array([0])))
    competes = np.arange(80) % 3 > 0
    found = [rank_unstored(each, query, K, fusion=fusion, competes=competes) for each in (known, ranker)]
    assert found[0].rows.tolist() == found[1].rows.tolist()
    np.testing.assert_array_equal(found[0].scores.fused, found[1].scores.fused)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(2, 40), dtype=st.sampled_from([np.float16, np.float32]))
def test_integers_find_what_a_plain_loop_finds(seed: int, count: int, dtype: type[np.floating]) -> None:
    gallery = random_gallery(count, seed)
    gallery = replace(gallery, embeddings=hard_vectors(count, 24, seed, dtype))
    ranker = Ranker(gallery, plain_integers(gallery.embeddings))
    for answer in ranker.top_k(np.arange(count)[::-1].copy(), K):
        image, query = gallery.table.image, answer.query
        rivals = [j for j in range(count) if j != query and (image[j] < 0 or image[j] != image[query])]
        scores = gallery.score_pairs(np.full(len(rivals), query), np.array(rivals, np.int64)).fused
        order = sorted(range(len(rivals)), key=lambda i: (-scores[i], gallery.order[rivals[i]]))
        assert answer.rows.tolist() == [rivals[i] for i in order[:K]]


@KINDS
def test_lists_grow_to_the_same_by_every_product(make: Make) -> None:
    gallery: Gallery = random_gallery(70, seed=6, dimension=64)
    before = CandidateTable.of(Ranker(gallery.first(50)), K)
    grown = before.grown(Ranker(gallery, make(gallery.embeddings)))
    np.testing.assert_array_equal(grown.rows, CandidateTable.of(Ranker(gallery), K).rows)
