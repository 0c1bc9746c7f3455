from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.closure import Closure
from spotted.errors import InvalidInputError
from spotted.sampling.candidate_graph import (
    CandidateGraph,
    from_candidates,
    implied_different,
    implied_same,
    open_rows,
)
from spotted.survey import DetectionTable

N = 6
pairs = st.tuples(st.integers(0, N - 1), st.integers(0, N - 1)).filter(lambda pair: pair[0] != pair[1])


def ranked_lists(listed: list[tuple[int, int]]) -> CandidateGraph:
    """A graph of these (query, candidate) rows; a row's scores tell its place."""
    query, candidate = np.array(listed, dtype=np.int64).reshape(-1, 2).T
    place = np.arange(len(listed)) / 100
    return from_candidates(N, query, candidate, visual=place, feasibility=place, fused=place)


@given(st.lists(pairs, unique=True))
def test_lists_become_unique_ordered_pairs_with_the_scores_of_the_lower_query(
    listed: list[tuple[int, int]],
) -> None:
    graph = ranked_lists(listed)
    expected = sorted({(min(pair), max(pair)) for pair in listed})
    assert list(zip(graph.first.tolist(), graph.second.tolist(), strict=True)) == expected
    rows = [listed.index(pair if pair in listed else pair[::-1]) for pair in expected]
    assert graph.fused.tolist() == pytest.approx([row / 100 for row in rows])


@given(st.lists(st.tuples(pairs, st.sampled_from(list(Answer))), max_size=12), st.sets(pairs, max_size=3))
def test_open_rows_equal_asking_the_constraints_pair_by_pair(
    history: list[tuple[tuple[int, int], Answer]], left_out: set[tuple[int, int]]
) -> None:
    graph = ranked_lists(list(itertools.combinations(range(N), 2)))
    constraints = Closure(N)
    for number, (pair, answer) in enumerate(history):
        constraints.apply(LabelledPair(str(number), *pair, answer))
    excluding = frozenset((min(pair), max(pair)) for pair in left_out)
    rows = list(zip(graph.first.tolist(), graph.second.tolist(), strict=True))
    expected = [constraints.is_open(*pair) and pair not in excluding for pair in rows]
    assert open_rows(graph, constraints, excluding).tolist() == expected
    known = [constraints.implied(*pair) for pair in rows]
    assert implied_same(graph, constraints).tolist() == [answer is Answer.SAME for answer in known]
    assert implied_different(graph, constraints).tolist() == [answer is Answer.DIFFERENT for answer in known]


@pytest.mark.parametrize(
    ("listed", "message"),
    [([(0, N)], "outside 0..5"), ([(-1, 0)], "outside 0..5"), ([(2, 2)], "item 2 is a candidate of itself")],
)
def test_lists_that_name_no_pair_are_refused(listed: list[tuple[int, int]], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        ranked_lists(listed)


def graph_of(first: list[int], second: list[int], fused: list[float], embedded: int = 3) -> CandidateGraph:
    score = np.array(fused, dtype=np.float32)
    embeddings = np.zeros((embedded, 2), dtype=np.float32)
    a, b = np.array(first, dtype=np.int64), np.array(second, dtype=np.int64)
    return CandidateGraph(3, a, b, score, score, score, embeddings)


@pytest.mark.parametrize(
    ("first", "second", "fused", "embedded", "message"),
    [
        ([0], [1, 2], [0.5], 3, "one value per pair"),
        ([1], [0], [0.5], 3, "build the graph by from_candidates"),
        ([0, 0], [1, 1], [0.5, 0.5], 3, "not unique"),
        ([0], [1], [float("nan")], 3, "only feasibility may be unknown"),
        ([0], [1], [0.5], 2, "2 embeddings for 3 items"),
    ],
)
def test_columns_that_are_no_graph_are_refused(
    first: list[int], second: list[int], fused: list[float], embedded: int, message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        graph_of(first, second, fused, embedded)


def test_a_graph_without_pairs_is_a_graph() -> None:
    assert len(ranked_lists([])) == 0


def test_a_table_of_other_items_is_refused(graph: CandidateGraph) -> None:
    nothing = np.zeros(2)
    whole = np.zeros(2, dtype=np.int64)
    table = DetectionTable(np.zeros((2, 2)), nothing, whole, whole, nothing, np.zeros(2, np.bool_))
    with pytest.raises(InvalidInputError, match="a table of 2 rows for 60 items"):
        replace(graph, table=table)
