from __future__ import annotations

import numpy as np
import pytest

from spotted.arrays import BoolArray, IntArray
from spotted.ranking.contest import Allowed, Contest
from spotted.ranking.products import SingleProducts
from spotted.scoring.bounds import Journeys
from tests.spotted.surveys import random_gallery

COUNT = 90


def odd_gaps(rows: IntArray, columns: IntArray) -> BoolArray:
    return np.asarray((rows - columns) % 2 == 1)


@pytest.mark.parametrize("allowed", [None, odd_gaps])
def test_rivals_are_counted_with_every_condition(allowed: Allowed | None) -> None:
    gallery = random_gallery(COUNT, seed=3)
    journeys = Journeys.of(gallery.table, gallery.extent, gallery.params)
    products = SingleProducts(gallery.embeddings)
    rules = Contest(products, journeys, gallery.scoring(), gallery.order, allowed)
    queries = np.array([5, 0, 89])
    plain = [sum(bool(rules.competes(np.array(q), np.array(j))) for j in range(COUNT)) for q in queries]
    assert rules.rival_counts(queries).tolist() == plain
