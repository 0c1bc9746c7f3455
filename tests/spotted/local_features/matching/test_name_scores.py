from __future__ import annotations

from collections import defaultdict

import numpy as np

from spotted.local_features.matching.matches import Matches
from spotted.local_features.matching.name_scores import score_names
from tests.spotted.marked_coats import drawn_features

FEATURES = drawn_features(12, 0)


def matches(seed: int) -> Matches:
    rng = np.random.default_rng(seed)
    rows = rng.permutation(12)[: rng.integers(0, 9)]
    return Matches.of(FEATURES, FEATURES, rows, rows, rng.uniform(0.1, 1, len(rows)), score=1.0)


def test_each_keypoint_votes_once_for_a_name_as_in_a_plain_loop() -> None:
    names = ["x", "y", "x", "x", "z", "y", "nobody"]
    found = [*(matches(seed) for seed in range(6)), matches(1).strongest(0)]
    best: dict[str, dict[int, float]] = defaultdict(dict)
    for each, name in zip(found, names, strict=True):
        for row, weight in zip(each.rows_a, each.weights, strict=True):
            best[name][row] = max(best[name].get(row, 0.0), float(weight))
    expected = {name: sum(best[name].values()) for name in names}
    scores = score_names(found, names)
    assert list(scores) == ["x", "y", "z", "nobody"]
    assert all(abs(scores[name] - expected[name]) < 1e-6 for name in names)


def test_a_name_with_one_photograph_has_its_score() -> None:
    assert score_names([matches(3)], ["x"]) == {"x": float(matches(3).weights.astype(float).sum())}


def test_no_candidates_have_no_names() -> None:
    assert score_names([], []) == {}
