from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spotted.arrays import IntArray
from spotted.ranking.by_individual import first_of_each, rank_individuals
from spotted.ranking.ranker import Ranked
from spotted.scoring.pair_scores import PairScores


def ranked(query: int, rows: list[int]) -> Ranked:
    scores = np.linspace(1.0, 0.5, len(rows), dtype=np.float32)
    return Ranked(query, np.array(rows, dtype=np.int64), PairScores(scores, scores, scores), len(rows))


def by_loop(rows: list[int], individual: list[int], k: int) -> list[int]:
    chosen: list[int] = []
    for row in rows:
        if individual[row] < 0 or individual[row] not in [individual[c] for c in chosen]:
            chosen.append(row)
    return chosen[:k]


@given(
    st.permutations(range(40)),
    st.lists(st.integers(-1, 6), min_size=40, max_size=40),
    st.integers(1, 8),
)
def test_individuals_are_those_of_a_plain_loop_however_deep_they_lie(
    order: list[int], individual: list[int], k: int
) -> None:
    depths: list[int] = []

    def top_k(queries: IntArray, depth: int) -> Iterator[Ranked]:
        depths.append(depth)
        for query in queries.tolist():
            # each query has a ranking of its own
            yield ranked(query, [(row + query) % 40 for row in order][:depth])

    queries = np.array([3, 0, 3, 17])
    found = list(rank_individuals(top_k, queries, k, np.array(individual)))
    assert [one.query for one in found] == [3, 0, 3, 17]
    for one in found:
        everyone = [(row + one.query) % 40 for row in order]
        assert one.rows.tolist() == by_loop(everyone, individual, k)
    assert depths == sorted(depths)


def test_the_best_pair_keeps_its_own_scores() -> None:
    whole = ranked(9, [4, 2, 3, 1])
    chosen = first_of_each(whole, np.array([-1, 5, 5, -1, 5]), 3)
    assert chosen.rows.tolist() == [4, 3]
    np.testing.assert_array_equal(chosen.scores.fused, whole.scores.fused[[0, 2]])
    assert (chosen.query, chosen.compared) == (9, 4)


def test_more_queries_than_are_taken_together_come_in_their_order() -> None:
    queries = np.arange(600)

    def top_k(asked: IntArray, depth: int) -> Iterator[Ranked]:
        return (ranked(query, [query, 7][:depth]) for query in asked.tolist())

    found = rank_individuals(top_k, queries, 1, np.full(600, -1))
    assert [one.rows.tolist() for one in found] == [[query] for query in range(600)]
