from __future__ import annotations

import numpy as np
import pytest

from services.embedder.inference.heat_maps import CellPair, heat
from spotted.scoring.cells import similarity_shares

RNG = np.random.default_rng


def test_the_cells_of_either_crop_add_up_to_the_similarity() -> None:
    rng = RNG(0)
    first, second = (rng.normal(size=shape).astype(np.float32) for shape in ((2, 3, 5), (4, 2, 5)))
    found = heat(first, second, most=100)
    one, two = first.sum(axis=(0, 1)), second.sum(axis=(0, 1))
    cosine = one @ two / np.linalg.norm(one) / np.linalg.norm(two)
    assert found.similarity == pytest.approx(cosine)
    assert (found.first.shape, found.second.shape) == ((2, 3), (4, 2))
    assert found.first.sum() == pytest.approx(found.similarity)
    assert found.second.sum() == pytest.approx(found.similarity)
    # a cell with all cells of the other crop
    shares = similarity_shares(first.reshape(6, 5), second.reshape(8, 5))
    assert found.first[1, 2] == pytest.approx(shares[5].sum())
    assert found.second[3, 1] == pytest.approx(shares[:, 7].sum())


def test_a_crop_beside_itself_matches_cell_for_cell() -> None:
    cells = RNG(1).normal(size=(2, 3, 50)).astype(np.float32)
    found = heat(cells, cells, most=4)
    assert found.similarity == pytest.approx(1.0)
    assert len(found.matches) == 4
    assert all(pair.first == pair.second for pair in found.matches)
    turned = heat(cells, cells[::-1, ::-1], most=1)
    (pair,) = turned.matches
    assert pair == CellPair(pair.first, (1 - pair.first[0], 2 - pair.first[1]), pair.share)
