from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotted.arrays import IntArray
from spotted.ranking.ranker import Ranker
from spotted.ranking.square_matrix import SquareMatrix
from spotted.scoring.fusion import Fusion
from tests.spotted.surveys import random_gallery


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(st.integers(0, 29), min_size=1, max_size=40),
    strip=st.integers(1, 12),
    block=st.integers(1, 5),
    fusion=st.sampled_from(Fusion),
    seed=st.integers(0, 100),
)
def test_a_square_is_the_matrix_of_its_blocks_and_symmetric(
    rows: list[int], strip: int, block: int, fusion: Fusion, seed: int
) -> None:
    ranker, index = Ranker(random_gallery(30, seed)), np.array(rows)
    square = SquareMatrix(ranker, index, fusion, strip)
    # strips are independent of each other
    for start in reversed(range(0, len(rows), strip)):
        square.compute(start)
    edges = [
        (first, min(first + block, start + strip, len(rows)))
        for start in range(0, len(rows), strip)
        for first in range(start, min(start + strip, len(rows)), block)
    ]
    matrix = np.concatenate([square.take(*edge) for edge in edges])
    np.testing.assert_allclose(matrix, ranker.score_block(index, index, fusion), atol=1e-6)
    for start in range(strip, len(rows), strip):
        np.testing.assert_array_equal(matrix[start:, :start], matrix[:start, start:].T)


def test_each_pair_of_strips_is_scored_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs, plain = [], Ranker.score_block

    def counted(ranker: Ranker, rows: IntArray, columns: IntArray, fusion: Fusion) -> object:
        pairs.append(len(rows) * len(columns))
        return plain(ranker, rows, columns, fusion)

    monkeypatch.setattr(Ranker, "score_block", counted)
    square = SquareMatrix(Ranker(random_gallery(40, 1)), np.arange(40), Fusion.PRODUCT, 10)
    for start in range(0, 40, 10):
        square.compute(start)
        square.take(start, start + 10)
    assert sum(pairs) == 10 * (40 + 30 + 20 + 10)
