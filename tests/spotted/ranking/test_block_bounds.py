from __future__ import annotations

import numpy as np
import pytest

from spotted.arrays import BoolArray, IntArray
from spotted.ranking import block_bounds
from spotted.ranking.block_bounds import BlockBounds
from spotted.ranking.contest import Contest
from spotted.ranking.products import SingleProducts
from spotted.scoring.bounds import Journeys
from spotted.scoring.fusion import Fusion
from tests.spotted.surveys import random_gallery

ROWS, COLUMNS = np.arange(20, 50), slice(5, 60)


def odd_gaps(rows: IntArray, columns: IntArray) -> BoolArray:
    return np.asarray((rows - columns) % 2 == 1)


@pytest.mark.parametrize("sparse", [0.0, 1.0])
@pytest.mark.parametrize("fusion", list(Fusion))
def test_every_pair_that_reaches_is_found_whichever_way(
    fusion: Fusion, sparse: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(block_bounds, "SPARSE", sparse)
    monkeypatch.setattr(block_bounds, "PART", 400)
    gallery = random_gallery(60, seed=8)
    journeys = Journeys.of(gallery.table, gallery.extent, gallery.params)
    products = SingleProducts(gallery.embeddings)
    contest = Contest(products, journeys, gallery.scoring(fusion), gallery.order, odd_gaps)
    product = products.multiply(gallery.embeddings[ROWS].astype(np.float32), COLUMNS)
    between = journeys.between(journeys.departures(ROWS), COLUMNS)
    bounds = BlockBounds(contest, ROWS, COLUMNS, product, between)
    rng = np.random.default_rng(0)
    own, mirrored = (rng.uniform(0.01, 0.9, n).astype(np.float32) for n in (30, 55))
    found = [bounds.reaching(part, own, mirrored) for part in bounds.parts()]
    row, column = np.divmod(np.arange(30 * 55), 55)
    scores = gallery.score_pairs(ROWS[row], 5 + column, fusion).fused
    shared = gallery.table.image[ROWS[row]] == gallery.table.image[5 + column]
    scores[shared & (gallery.table.image[ROWS[row]] >= 0)] = 0
    for side, reached, gap in (
        (0, own[row], row + 20 - 5 - column),
        (1, mirrored[column], 5 + column - row - 20),
    ):
        flat = np.concatenate([one[side] for one in found])
        wanted = np.flatnonzero((scores >= reached) & (gap % 2 == 1))
        assert set(wanted.tolist()) <= set(flat.tolist())
        assert (gap[flat] % 2 == 1).all()
        # a bound is near, so little else is found
        assert len(flat) <= 1.4 * len(wanted) + 60
