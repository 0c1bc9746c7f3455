from __future__ import annotations

import numpy as np
import pytest

from benchmarks.heads.named import NamedPhotographs, measured, renamed
from tests.spotted.heads.test_named import photographs


def test_other_individuals_are_measured_with_names_right_and_wrong() -> None:
    vectors, animals = photographs(24, 4)
    weights = np.ones((96, 96), dtype=np.float32)
    one = NamedPhotographs("drawn", vectors, animals, animals, weights)
    right, wrong = (measured(one, share, splits=2) for share in (0.0, 0.9))
    assert right.queries == 48
    assert right.backbone == wrong.backbone
    assert right.head[0] > right.backbone[0]
    assert right.head[0] > wrong.head[0]
    value, low, high = right.gain[0]
    assert low <= value <= high
    assert value == pytest.approx(right.head[0] - right.backbone[0])


def test_pairs_that_are_not_compared_are_no_queries() -> None:
    vectors, animals = photographs(24, 4)
    alone = np.ones((96, 96), dtype=np.float32)
    alone[animals < 12] = 0.0
    found = measured(NamedPhotographs("drawn", vectors, animals, animals, alone), 0.0, splits=1)
    assert 0 < found.queries < 48


def test_a_share_of_the_names_is_replaced() -> None:
    coats = np.arange(1000)
    changed = renamed(coats, 0.2, np.random.default_rng(0)) != coats
    assert 0.15 < changed.mean() < 0.25
    assert not (renamed(coats, 0.0, np.random.default_rng(0)) != coats).any()
