from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from spotted.ranking.shortlist import POSITIVE, Shortlist, ranked_scores, ranking_keys


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 1000), k=st.integers(1, 6), parts=st.integers(1, 9))
def test_whatever_may_be_among_the_best_is_kept(seed: int, k: int, parts: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.random((4, 60), dtype=np.float32)
    spread = np.float32(0.01)
    shortlist = Shortlist(4, k)
    for columns in np.array_split(rng.permutation(60), parts):
        rows, which = (a.ravel() for a in np.meshgrid(np.arange(4), columns, indexing="ij"))
        reaching = scores[rows, which] + spread >= shortlist.threshold[rows]
        rows, which = rows[reaching], which[reaching]
        found = scores[rows, which]
        shortlist.add(rows, which, np.maximum(found - spread, 0), found + spread)
    rows, columns = shortlist.pairs()
    surest = np.sort(np.maximum(scores - spread, 0), axis=1)[:, -k]
    assert set(zip(rows.tolist(), columns.tolist(), strict=True)) == {
        (i, j) for i in range(4) for j in range(60) if scores[i, j] + spread >= surest[i]
    }
    np.testing.assert_array_equal(rows, np.sort(rows))


def test_a_query_with_few_candidates_keeps_all_that_score() -> None:
    shortlist = Shortlist(2, 3)
    scores = np.array([0.5, 0.0], np.float32)
    shortlist.add(np.array([1, 1]), np.array([4, 9]), scores, scores)
    assert (shortlist.threshold == POSITIVE).all()
    assert shortlist.surely_positive().tolist() == [0, 1]
    assert shortlist.pairs()[1].tolist() == [4]


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 4, width=32)), min_size=1, max_size=30))
def test_keys_sort_by_row_then_by_falling_score(pairs: list[tuple[int, float]]) -> None:
    rows = np.array([row for row, _ in pairs])
    scores = np.array([score for _, score in pairs], np.float32)
    keys = ranking_keys(rows, scores)
    expected = sorted(pairs, key=lambda pair: (pair[0], -pair[1]))
    assert [pairs[i] for i in np.argsort(keys, kind="stable")] == expected
    np.testing.assert_array_equal(ranked_scores(keys), scores)
