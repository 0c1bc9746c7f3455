from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotted.arrays import BoolArray, IntArray
from spotted.ranking.ranker import Ranker
from spotted.ranking.with_marks import rank_with_marks
from spotted.scoring.fusion import Fusion
from spotted.scoring.local_pairs import LocalPairs
from tests.spotted.ranking.test_ranker import plain_top_k
from tests.spotted.surveys import matched_gallery, random_gallery


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(1, 30),
    seed=st.integers(0, 500),
    k=st.integers(1, 35),
    share=st.floats(0.0, 1.0),
    fusion=st.sampled_from([Fusion.LOCAL, Fusion.CALIBRATED]),
)
def test_the_best_by_marks_are_those_of_scoring_every_pair(
    count: int, seed: int, k: int, share: float, fusion: Fusion
) -> None:
    gallery = matched_gallery(count, seed, share)
    for answer in Ranker(gallery).top_k(np.arange(count), k, fusion=fusion, block=7):
        assert answer.rows.tolist() == plain_top_k(gallery, answer.query, k, fusion)
        expected = gallery.score_pairs(np.full(len(answer.rows), answer.query), answer.rows, fusion)
        np.testing.assert_array_equal(answer.scores.fused, expected.fused)


def test_a_pair_that_was_not_matched_ranks_as_one_without_common_marks() -> None:
    gallery = matched_gallery(20, 3, 0.5)
    assert gallery.local is not None
    shares = gallery.local.marks > 0
    first, second = gallery.local.numbers >> 32, gallery.local.numbers & 0xFFFFFFFF
    kept = LocalPairs.of(
        first[shares], second[shares], gallery.local.scores[shares], gallery.local.marks[shares]
    )
    everyone = np.arange(20)
    with_zeros, without = (
        list(Ranker(one).top_k(everyone, 20, fusion=Fusion.LOCAL))
        for one in (gallery, replace(gallery, local=kept))
    )
    for one, other in zip(with_zeros, without, strict=True):
        np.testing.assert_array_equal(one.rows, other.rows)
        np.testing.assert_array_equal(one.scores.fused, other.scores.fused)


@pytest.mark.parametrize("k", [1, 3, 50])
def test_rules_exclude_those_with_marks_too(k: int) -> None:
    gallery = matched_gallery(25, 1, 0.6)

    def even(rows: IntArray, columns: IntArray) -> BoolArray:
        return np.broadcast_to(columns % 2 == 0, np.broadcast_shapes(rows.shape, columns.shape))

    for answer in Ranker(gallery).top_k(np.arange(25), k, fusion=Fusion.LOCAL, allowed=even):
        expected = [row for row in plain_top_k(gallery, answer.query, 25, Fusion.LOCAL) if row % 2 == 0][:k]
        assert answer.rows.tolist() == expected


def test_without_local_scores_the_order_is_that_of_the_list() -> None:
    gallery = random_gallery(12, 0)
    (ranked,) = Ranker(gallery).top_k(np.array([4]), 12)
    rows, scores = rank_with_marks(gallery, 4, ranked.rows, 12)
    np.testing.assert_array_equal(rows, ranked.rows)
    np.testing.assert_array_equal(scores.fused, ranked.scores.fused)


def test_blocks_and_parts_of_a_gallery_score_as_pairs_do() -> None:
    gallery = matched_gallery(30, 7, 0.4)
    rows, columns = np.arange(3, 20), np.arange(30)[::-1]
    block = Ranker(gallery).score_block(rows, columns, Fusion.LOCAL)
    first, second = np.repeat(rows, 30), np.tile(columns, len(rows))
    apart = first != second
    exact = gallery.score_pairs(first[apart], second[apart], Fusion.LOCAL).fused
    np.testing.assert_allclose(block.ravel()[apart], exact, atol=1e-6)
    part = gallery.at(np.array([8, 2, 5]))
    np.testing.assert_array_equal(
        part.score_pairs(np.array([0, 1]), np.array([1, 2]), Fusion.LOCAL).fused,
        gallery.score_pairs(np.array([8, 2]), np.array([2, 5]), Fusion.LOCAL).fused,
    )
