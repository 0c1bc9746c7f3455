from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from spotted.evaluation.retrieval import average_precision
from spotted.evaluation.ties import TieGroups, expected_average_precision, expected_hits

# scores from few values, so that ties are many
rankings = st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=6).filter(
    lambda pairs: any(right for _, right in pairs)
)


def groups_of(scores: np.ndarray, right: np.ndarray) -> TieGroups:
    values = sorted(set(scores[right].tolist()), reverse=True)
    above = np.array([(scores > v).sum() for v in values])
    tied = np.array([(scores == v).sum() for v in values])
    found = np.array([(right & (scores == v)).sum() for v in values])
    return TieGroups(1, np.zeros(len(values), dtype=np.int64), above, tied, found)


def joined(parts: list[TieGroups]) -> TieGroups:
    query = np.concatenate([np.full(len(p.above), i) for i, p in enumerate(parts)])
    columns = (np.concatenate([getattr(p, c) for p in parts]) for c in ("above", "tied", "right"))
    return TieGroups(len(parts), query, *columns)


@given(rankings)
@settings(deadline=None)
def test_expectations_are_means_over_all_orders_of_equal_candidates(pairs: list[tuple[int, bool]]) -> None:
    scores, right = (np.array(column) for column in zip(*pairs, strict=True))
    orders = [
        right[list(order)]
        for order in itertools.permutations(range(len(pairs)))
        if all(scores[a] >= scores[b] for a, b in itertools.pairwise(order))
    ]
    groups = groups_of(scores, right)
    hits = np.mean([[found[:k].any() for k in range(1, 9)] for found in orders], axis=0)
    np.testing.assert_allclose(expected_hits(groups, 8)[0], hits, atol=1e-12)
    precision = np.mean([average_precision(found) for found in orders])
    assert expected_average_precision(groups)[0] == pytest.approx(precision, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_without_ties_average_precision_is_that_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, right = rng.random((8, 400)), rng.random((8, 400)) < 0.05
    right[:, 0] = True
    groups = joined([groups_of(s, r) for s, r in zip(scores, right, strict=True)])
    expected = [average_precision_score(r, s) for s, r in zip(scores, right, strict=True)]
    np.testing.assert_allclose(expected_average_precision(groups), expected, atol=1e-9)


def test_a_large_group_far_down_keeps_nine_digits() -> None:
    above, tied, right = 60_000, 3000, 40
    groups = TieGroups(1, np.zeros(1, np.int64), *(np.array([n]) for n in (above, tied, right)))
    terms = (
        right / tied * (1 + (j - 1) * (right - 1) / (tied - 1)) / (above + j) for j in range(1, tied + 1)
    )
    assert expected_average_precision(groups)[0] == pytest.approx(sum(terms) / right, abs=1e-9)


def test_when_all_are_equal_a_hit_is_a_draw_without_replacement() -> None:
    groups = TieGroups(1, np.zeros(1, np.int64), np.array([0]), np.array([10]), np.array([2]))
    # both right ones are missed by k of 10 with chance (10 - k)(9 - k) / 90
    expected = [1 - (10 - k) * (9 - k) / 90 for k in range(1, 11)]
    np.testing.assert_allclose(expected_hits(groups, 10)[0], expected, atol=1e-12)
    assert expected_hits(groups, 12)[0, 11] == 1.0
