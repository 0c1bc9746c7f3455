from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from benchmarks.training.gallery_size import hits_by_photographs
from spotted.scoring import unit_rows


@pytest.mark.parametrize("k", [1, 2])
def test_hits_are_the_mean_over_all_ways_to_draw_photographs(k: int) -> None:
    classes = [*"aaaaabbbbcccdd"]
    vectors = unit_rows(np.random.default_rng(5).normal(size=(len(classes), 3)))
    found, rows = hits_by_photographs(vectors, classes, most=3, k=k)
    assert rows == [*range(9)]
    for query, hits in zip(rows, found, strict=True):
        own = [row for row in range(len(classes)) if classes[row] == classes[query] and row != query]
        others = [row for row in range(len(classes)) if classes[row] != classes[query]]
        for count in (1, 2, 3):
            shown = []
            for drawn in combinations(own, count):
                ranked = sorted([*drawn, *others], key=lambda row: -float(vectors[query] @ vectors[row]))
                shown.append(any(classes[row] == classes[query] for row in ranked[:k]))
            assert hits[count - 1] == pytest.approx(np.mean(shown))


def test_no_animal_with_enough_photographs_leaves_no_query() -> None:
    found, rows = hits_by_photographs(np.eye(3, dtype=np.float32), [*"aab"], most=2)
    assert (found.shape, rows) == ((0, 2), [])
