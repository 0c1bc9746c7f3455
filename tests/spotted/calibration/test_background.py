from __future__ import annotations

import numpy as np
import pytest

from spotted.calibration.background import draw_background


@pytest.mark.parametrize(("count", "most"), [(40, 50), (40, 10_000), (3000, 400)])
def test_pairs_are_drawn_once_and_never_those_that_are_known(count: int, most: int) -> None:
    rng = np.random.default_rng(0)
    known = rng.choice(count, (30, 2), replace=False) if count > 60 else np.array([[1, 0], [5, 7]])
    drawn = draw_background(count, known, rng, most=most)
    pairs = [tuple(pair) for pair in drawn.tolist()]
    assert len(pairs) == min(most, count * (count - 1) // 2 - len(known))
    assert pairs == sorted(set(pairs))
    assert all(0 <= a < b < count for a, b in pairs)
    assert not {tuple(sorted(pair)) for pair in known.tolist()} & set(pairs)


def test_every_pair_is_drawn_about_as_often() -> None:
    times = np.zeros((10, 10))
    for seed in range(400):
        drawn = draw_background(10, np.empty((0, 2), np.int64), np.random.default_rng(seed), most=9)
        times[drawn[:, 0], drawn[:, 1]] += 1
    often = times[np.triu_indices(10, 1)]
    # 80 expected, with a standard deviation of 8
    assert 48 < often.min() <= often.max() < 112


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_detections_have_no_pair(count: int) -> None:
    assert len(draw_background(count, np.empty((0, 2), np.int64), np.random.default_rng(0))) == 0
