from __future__ import annotations

import numpy as np
import pytest

from spotted.arrays import BoolArray, IntArray
from spotted.ranking.contest import Allowed, Contest
from spotted.ranking.gallery import Gallery
from spotted.ranking.products import SingleProducts
from spotted.ranking.search import Search
from spotted.scoring.bounds import Journeys
from spotted.scoring.fusion import Fusion
from spotted.scoring.parallel import open_runner
from tests.spotted.surveys import random_gallery

COUNT, K = 90, 4


def odd_gaps(rows: IntArray, columns: IntArray) -> BoolArray:
    return np.asarray((rows - columns) % 2 == 1)


def contest(gallery: Gallery, fusion: Fusion = Fusion.PRODUCT, allowed: Allowed | None = None) -> Contest:
    journeys = Journeys.of(gallery.table, gallery.extent, gallery.params)
    return Contest(
        SingleProducts(gallery.embeddings), journeys, gallery.scoring(fusion), gallery.order, allowed
    )


def true_pairs(gallery: Gallery, rules: Contest, query: int) -> set[int]:
    """The k best of all that compete, by score and then by id."""
    (rivals,) = np.nonzero(rules.competes(np.array([query]), np.arange(COUNT)))
    scores = gallery.score_pairs(np.full(len(rivals), query), rivals, rules.scoring.fusion).fused
    return set(rivals[np.lexsort((gallery.order[rivals], -scores))][:K].tolist())


def found_pairs(search: Search, strip: int) -> dict[int, set[int]]:
    indices, rows = search.pairs(strip)
    return {
        int(query): set(rows[indices == index].tolist()) for index, query in enumerate(search.strips[strip])
    }


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("fusion", list(Fusion))
@pytest.mark.parametrize("allowed", [None, odd_gaps])
def test_no_best_candidate_is_lost_whoever_asks(
    threads: int, fusion: Fusion, allowed: Allowed | None
) -> None:
    gallery = random_gallery(COUNT, seed=1, dimension=64)
    rules = contest(gallery, fusion, allowed)
    strips = np.array_split(np.arange(COUNT), 4)
    with open_runner(threads) as run:
        everyone = Search(rules, strips, K)
        everyone.search_all(run)
        for i, strip in enumerate(strips):
            one = Search(rules, [strip], K)
            one.search_strip(run)
            for found in (found_pairs(everyone, i), found_pairs(one, 0)):
                for query, rows in found.items():
                    assert rows >= true_pairs(gallery, rules, query)


def test_little_more_than_the_best_is_left_if_scores_differ() -> None:
    rng = np.random.default_rng(0)
    gallery = random_gallery(COUNT, seed=2, dimension=64)
    gallery.embeddings[:] = np.abs(rng.normal(size=(COUNT, 64)))
    gallery.embeddings[:] /= np.linalg.norm(gallery.embeddings.astype(np.float32), axis=1, keepdims=True)
    search = Search(contest(gallery, Fusion.VISUAL), [np.arange(COUNT)], K)
    with open_runner(1) as run:
        search.search_all(run)
    assert len(search.pairs(0)[0]) < 1.1 * K * COUNT
