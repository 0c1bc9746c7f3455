from __future__ import annotations

import numpy as np

from spotted.local_features.matching.matches import Matches
from tests.spotted.marked_coats import drawn_features


def some() -> Matches:
    rows = np.array([4, 1, 3])
    weights = np.array([0.5, 0.75, 0.5])
    return Matches.of(drawn_features(5, 0), drawn_features(5, 1), rows, rows[::-1], weights, score=2.0)


def test_matches_are_ordered_by_weight_and_ties_keep_their_order() -> None:
    assert some().rows_a.tolist() == [1, 4, 3]
    assert some().rows_b.tolist() == [1, 3, 4]
    assert np.array_equal(some().points_b, drawn_features(5, 1).points[[1, 3, 4], :2])
    assert some().strongest(1).weights.tolist() == [0.75]
    assert some().score == some().strongest(1).score == 2.0


def test_a_swap_exchanges_the_detections_and_nothing_else() -> None:
    swapped = some().swapped()
    assert np.array_equal(swapped.points_a, some().points_b)
    assert np.array_equal(swapped.rows_b, some().rows_a)
    assert swapped.score == some().score
