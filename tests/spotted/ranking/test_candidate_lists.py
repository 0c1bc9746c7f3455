from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotted.ranking.candidate_lists import CandidateTable
from spotted.ranking.ranker import Ranker
from spotted.scoring.fusion import Fusion
from tests.spotted.surveys import random_gallery

EVERYONE = 60


def assert_equal(one: CandidateTable, other: CandidateTable) -> None:
    np.testing.assert_array_equal(one.rows, other.rows)
    known = one.rows >= 0
    for name in ("visual", "feasibility", "fused"):
        np.testing.assert_array_equal(getattr(one.scores, name)[known], getattr(other.scores, name)[known])


CHANGES = st.lists(st.tuples(st.booleans(), st.integers(1, 15), st.integers(0, 1000)), max_size=6)


@settings(max_examples=60, deadline=None)
@given(
    changes=CHANGES,
    seed=st.integers(0, 500),
    k=st.integers(1, 12),
    fusion=st.sampled_from(Fusion),
    threads=st.integers(1, 2),
)
def test_any_history_leaves_the_lists_of_ranking_everyone_from_scratch(
    changes: list[tuple[bool, int, int]], seed: int, k: int, fusion: Fusion, threads: int
) -> None:
    whole = random_gallery(EVERYONE, seed)
    present = np.arange(20)
    waiting = list(range(20, EVERYONE))
    table = CandidateTable.of(Ranker(whole.at(present)), k, fusion)
    for grows, count, draw in changes:
        if grows:
            present = np.concatenate([present, np.array(waiting[:count], dtype=np.int64)])
            waiting = waiting[count:]
            table = table.grown(Ranker(whole.at(present)), threads=threads)
        else:
            gone = np.random.default_rng(draw).choice(len(present), min(count, len(present)), replace=False)
            kept = np.setdiff1d(np.arange(len(present)), gone)
            present = present[kept]
            table = table.shrunk(Ranker(whole.at(present)), kept, threads=threads)
        assert_equal(table, CandidateTable.of(Ranker(whole.at(present)), k, fusion))


@pytest.mark.parametrize("fusion", [Fusion.PRODUCT, Fusion.CALIBRATED])
def test_a_larger_survey_grows_as_if_it_were_ranked_from_scratch(fusion: Fusion) -> None:
    whole = random_gallery(2600, seed=3, dimension=48)
    table = CandidateTable.of(Ranker(whole.at(np.arange(1500))), 5, fusion).grown(
        Ranker(whole.at(np.arange(2600)))
    )
    assert_equal(table, CandidateTable.of(Ranker(whole.at(np.arange(2600))), 5, fusion))


def test_lists_are_read_as_they_would_be_ranked() -> None:
    gallery = random_gallery(40, seed=1)
    table = CandidateTable.of(Ranker(gallery), 6)
    queries = np.array([7, 3, 7])
    for found, expected in zip(
        table.ranked(gallery, queries, 4), Ranker(gallery).top_k(queries, 4), strict=True
    ):
        assert (found.query, found.compared) == (expected.query, expected.compared)
        np.testing.assert_array_equal(found.rows, expected.rows)
        np.testing.assert_array_equal(found.scores.fused, expected.scores.fused)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 500), k=st.integers(1, 12))
def test_lists_follow_rows_in_another_order(seed: int, k: int) -> None:
    whole = random_gallery(20, seed)
    order = np.random.default_rng(seed).permutation(20)
    moved = CandidateTable.of(Ranker(whole.at(order)), k).reordered(order)
    assert_equal(moved, CandidateTable.of(Ranker(whole), k))


def test_an_empty_gallery_grows_and_shrinks_to_nothing() -> None:
    whole = random_gallery(10, seed=2)
    nothing = whole.at(np.arange(0))
    table = CandidateTable.of(Ranker(nothing), 3).grown(Ranker(whole))
    assert_equal(table, CandidateTable.of(Ranker(whole), 3))
    assert len(table.shrunk(Ranker(nothing), np.arange(0))) == 0
