from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotted.errors import InvalidInputError
from spotted.feasibility import FeasibilityParams
from spotted.fusion import Fusion
from spotted.ranking import Gallery, Ranked
from spotted.similarity import PRODUCT_ERROR
from spotted.survey import BoolArray, IntArray
from tests.spotted.surveys import random_gallery


def plain_top_k(gallery: Gallery, query: int, k: int, fusion: Fusion) -> list[int]:
    """Score every pair exactly, drop what cannot compete, sort by score and id."""
    table = gallery.table
    rivals = [
        j
        for j in range(len(gallery))
        if j != query and not (table.image[j] >= 0 and table.image[j] == table.image[query])
    ]
    if not rivals:
        return []
    scores = gallery.score_pairs(np.full(len(rivals), query), np.array(rivals), fusion).fused
    order = sorted(range(len(rivals)), key=lambda i: (-scores[i], gallery.order[rivals[i]]))
    return [rivals[i] for i in order[:k]]


def ranked(gallery: Gallery, k: int, fusion: Fusion = Fusion.PRODUCT, block: int = 7) -> list[Ranked]:
    return list(gallery.top_k(np.arange(len(gallery)), k, fusion=fusion, block=block))


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(1, 40),
    seed=st.integers(0, 1000),
    k=st.integers(1, 45),
    fusion=st.sampled_from(Fusion),
    block=st.integers(1, 50),
    limit=st.sampled_from([None, 0.02]),
)
def test_top_k_is_that_of_scoring_every_pair(
    count: int, seed: int, k: int, fusion: Fusion, block: int, limit: float | None
) -> None:
    gallery = random_gallery(count, seed, params=FeasibilityParams(max_speed_kmh=limit))
    for answer in ranked(gallery, k, fusion, block):
        assert answer.rows.tolist() == plain_top_k(gallery, answer.query, k, fusion)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), blocks=st.tuples(st.integers(1, 64), st.integers(1, 64)))
def test_no_block_size_changes_a_bit(seed: int, blocks: tuple[int, int]) -> None:
    gallery = random_gallery(60, seed, dimension=1280)
    first, second = (ranked(gallery, 10, block=block) for block in blocks)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.rows, other.rows)
        np.testing.assert_array_equal(one.scores.fused, other.scores.fused)


def test_the_order_of_rows_changes_nothing_but_their_numbers() -> None:
    gallery = random_gallery(50, seed=9)
    shuffle = np.random.default_rng(0).permutation(50)
    table = gallery.table
    other = Gallery(
        gallery.embeddings[shuffle],
        type(table)(
            table.position_m[shuffle],
            table.time_s[shuffle],
            table.image[shuffle],
            table.side[shuffle],
            table.location_uncertainty_m[shuffle],
            table.clock_suspect[shuffle],
        ),
        gallery.order[shuffle],
        gallery.extent,
        gallery.params,
    )
    here = {a.query: a.rows.tolist() for a in ranked(gallery, 8)}
    there = {int(shuffle[a.query]): shuffle[a.rows].tolist() for a in ranked(other, 8)}
    assert here == there


def test_a_filter_leaves_out_what_it_forbids_and_counts_the_rest() -> None:
    gallery = random_gallery(30, seed=3)

    def even_only(rows: IntArray, columns: IntArray) -> BoolArray:
        return np.broadcast_to(columns % 2 == 0, np.broadcast_shapes(rows.shape, columns.shape))

    for answer in gallery.top_k(np.arange(30), 30, allowed=even_only):
        image = gallery.table.image
        rivals = [
            j
            for j in range(0, 30, 2)
            if j != answer.query and not (image[j] >= 0 and image[j] == image[answer.query])
        ]
        assert answer.compared == len(rivals)
        assert sorted(answer.rows.tolist()) == rivals


def test_a_single_detection_has_no_candidates() -> None:
    (only,) = ranked(random_gallery(1, seed=0), 5)
    assert (len(only.rows), only.compared) == (0, 0)


def test_no_detection_has_no_answer() -> None:
    assert ranked(random_gallery(0, seed=0), 5) == []


@pytest.mark.parametrize("k", [0, -1])
def test_fewer_than_one_candidate_is_refused(k: int) -> None:
    with pytest.raises(InvalidInputError, match=f"top_k is {k}"):
        ranked(random_gallery(3, seed=0), k)


def test_two_animals_in_one_image_score_0_and_a_detection_scores_1_with_itself() -> None:
    gallery = random_gallery(40, seed=7)
    everyone = np.arange(40)
    block = gallery.score_block(everyone, everyone)
    image = gallery.table.image
    shared = (image[:, None] == image[None, :]) & (image >= 0) & ~np.eye(40, dtype=bool)
    assert shared.any()
    assert (block[shared] == 0).all()
    assert (np.diag(block) == 1).all()


@pytest.mark.parametrize("fusion", list(Fusion))
def test_a_block_agrees_with_the_exact_pairs(fusion: Fusion) -> None:
    gallery = random_gallery(40, seed=8, dimension=512)
    first, second = np.triu_indices(40, 1)
    block = gallery.score_block(np.arange(40), np.arange(40), fusion)
    exact = gallery.score_pairs(first, second, fusion).fused
    np.testing.assert_allclose(block[first, second], exact, atol=PRODUCT_ERROR)
