from __future__ import annotations

import numpy as np

from spotted.local_features.matching.matchable import Matchable, in_order
from tests.spotted.marked_coats import drawn_features


def test_the_order_of_two_does_not_depend_on_how_they_are_passed() -> None:
    a, b = (Matchable.of(drawn_features(3, seed), np.ones(3, dtype=np.float32)) for seed in (0, 1))
    assert in_order(a, b)[0] is in_order(b, a)[0]
    assert {id(one) for one in in_order(a, b)} == {id(a), id(b)}
