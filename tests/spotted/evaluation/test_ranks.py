from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spotted.evaluation.ranks import rank_pairs
from spotted.ranking.gallery import Gallery
from spotted.scoring.feasibility import FeasibilityParams
from spotted.scoring.fusion import Fusion
from tests.spotted.plain_ranking import exact_gallery
from tests.spotted.surveys import matched_gallery, random_gallery

PARAMS = [
    FeasibilityParams(),
    FeasibilityParams(clock_uncertainty_s=600.0, use_location_uncertainty=True, max_speed_kmh=2.0),
]


def every_pair(gallery: Gallery) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.divmod(np.arange(len(gallery) ** 2), len(gallery))
    image = gallery.table.image
    apart = (first != second) & ((image[first] < 0) | (image[first] != image[second]))
    return first[apart], second[apart]


@pytest.mark.parametrize("params", PARAMS)
@pytest.mark.parametrize("seed", range(3))
def test_counts_are_those_of_a_loop_over_exact_scores(seed: int, params: FeasibilityParams) -> None:
    gallery = exact_gallery(50, seed, params)
    first, second = every_pair(gallery)
    for fusion, found in rank_pairs(gallery, (first, second), list(Fusion)).items():
        scores = gallery.score_pairs(first, second, fusion).fused
        for query in range(len(gallery)):
            mine = first == query
            own = scores[mine]
            assert found.above[mine].tolist() == [int((own > s).sum()) for s in own]
            assert found.tied[mine].tolist() == [int((own == s).sum()) for s in own]


def test_pairs_that_share_marks_are_above_all_others() -> None:
    gallery = matched_gallery(40, 0, 0.3)
    first, second = every_pair(gallery)
    scores = gallery.score_pairs(first, second, Fusion.LOCAL).fused
    found = rank_pairs(gallery, (first, second), [Fusion.LOCAL])[Fusion.LOCAL]
    better = (first[:, None] == first[None, :]) & (scores[None, :] > scores[:, None])
    assert found.above.tolist() == better.sum(axis=1).tolist()


def test_counts_depend_neither_on_threads_nor_on_what_else_is_asked() -> None:
    gallery = exact_gallery(1300, 1)
    first, second = every_pair(gallery)
    all_at_once = rank_pairs(gallery, (first, second), [Fusion.PRODUCT, Fusion.VISUAL], threads=2)
    some = np.flatnonzero(first % 7 == 0)[::5]
    alone = rank_pairs(gallery, (first[some], second[some]), [Fusion.PRODUCT])[Fusion.PRODUCT]
    assert alone.above.tolist() == all_at_once[Fusion.PRODUCT].above[some].tolist()
    assert alone.tied.tolist() == all_at_once[Fusion.PRODUCT].tied[some].tolist()


def test_scores_within_the_lower_bits_are_distinguished() -> None:
    gallery = random_gallery(2, 0, dimension=2)
    near = np.array([[1.0, 0.0], [1.0, 1e-3], [0.5, 0.0], [0.5 - 2**-25, 0.0]], dtype=np.float32)
    table = gallery.table.at(np.array([0, 1, 0, 1]))
    table = replace(table, image=np.full(4, -1))
    gallery = Gallery(near, table, np.arange(4), gallery.extent, gallery.params)
    asked = np.zeros(3, dtype=np.int64), np.array([1, 2, 3])
    found = rank_pairs(gallery, asked, [Fusion.VISUAL])[Fusion.VISUAL]
    assert found.above.tolist() == [0, 1, 2]
    assert found.tied.tolist() == [1, 1, 1]


def test_no_pair_is_no_work() -> None:
    nothing = np.empty(0, dtype=np.int64)
    found = rank_pairs(random_gallery(5, 0), (nothing, nothing), [Fusion.VISUAL])[Fusion.VISUAL]
    assert len(found.query) == len(found.above) == 0


def test_progress_counts_every_query_once() -> None:
    gallery = exact_gallery(600, 2)
    calls: list[int] = []
    rank_pairs(gallery, every_pair(gallery), [Fusion.LOCATION], on_progress=calls.append)
    assert sum(calls) == len(gallery)
