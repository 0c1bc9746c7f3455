from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotted.ranking.gallery import Gallery
from spotted.ranking.ranker import Ranker
from spotted.ranking.unstored_query import UNSTORED, UnstoredQuery, rank_unstored
from spotted.scoring.fusion import Fusion
from spotted.scoring.parallel import open_runner
from tests.spotted.surveys import random_gallery


def without_last(gallery: Gallery) -> tuple[Gallery, UnstoredQuery]:
    """A gallery whose last row comes from outside instead."""
    last = len(gallery) - 1
    kept, itself = np.arange(last), np.array([last])
    query = UnstoredQuery(gallery.embeddings[last].astype(np.float32), gallery.table.at(itself))
    order = np.argsort(np.argsort(gallery.order[kept]))
    smaller = replace(gallery, embeddings=gallery.embeddings[kept], table=gallery.table.at(kept), order=order)
    return smaller, query


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(2, 40),
    seed=st.integers(0, 1000),
    k=st.integers(1, 45),
    fusion=st.sampled_from(Fusion),
    every=st.integers(1, 3),
)
def test_a_visitor_finds_what_it_would_find_as_the_last_row(
    count: int, seed: int, k: int, fusion: Fusion, every: int
) -> None:
    gallery = random_gallery(count, seed)
    smaller, query = without_last(gallery)
    image = gallery.table.image
    rival = ~((image[:-1] == image[-1]) & (image[-1] >= 0)) & (np.arange(count - 1) % every == 0)
    found = rank_unstored(Ranker(smaller), query, k, fusion=fusion, competes=rival)
    (stored,) = Ranker(gallery).top_k(
        np.array([count - 1]), k, fusion=fusion, allowed=lambda _, columns: columns % every == 0
    )
    assert (found.query, found.compared) == (UNSTORED, stored.compared)
    np.testing.assert_array_equal(found.rows, stored.rows)
    for name in ("visual", "feasibility", "fused"):
        np.testing.assert_array_equal(getattr(found.scores, name), getattr(stored.scores, name))


@pytest.mark.parametrize("count", [0, 5])
def test_where_nobody_competes_there_is_no_candidate(count: int) -> None:
    smaller, query = without_last(random_gallery(count + 1, seed=3))
    found = rank_unstored(Ranker(smaller), query, 4, competes=np.zeros(count, np.bool_))
    assert (len(found.rows), found.compared, len(found.scores.fused)) == (0, 0, 0)


def test_rows_that_tie_are_ordered_by_their_ids_however_many() -> None:
    gallery = random_gallery(401, seed=4)
    alike = replace(gallery, embeddings=np.repeat(gallery.embeddings[:1], 401, axis=0))
    smaller, query = without_last(alike)
    with open_runner(2) as run:
        found = rank_unstored(
            Ranker(smaller), query, 3, fusion=Fusion.VISUAL, competes=smaller.order > 10, run=run
        )
    rivals = np.flatnonzero(smaller.order > 10)
    expected = rivals[np.argsort(smaller.order[rivals])][:3]
    np.testing.assert_array_equal(found.rows, expected)
    assert found.compared == len(rivals)
