from __future__ import annotations

import numpy as np
import pytest
import torch

from services.embedder.export.pooling import RegionalMaxima, regions


@pytest.mark.parametrize("edge", [1, 2, 7, 8, 10, 12])
def test_regions_are_square_lie_in_the_map_and_cover_it(edge: int) -> None:
    found = regions(edge)
    assert len(found) == 14
    assert found[0] == (edge, 0, 0)
    for level in (found[:1], found[1:5], found[5:]):
        covered = np.zeros((edge, edge), dtype=np.bool_)
        for size, top, left in level:
            assert size == level[0][0]
            assert 0 <= top <= edge - size
            assert 0 <= left <= edge - size
            covered[top : top + size, left : left + size] = True
        assert covered[0, 0]
        assert covered[-1, -1]
    # about .4 of neighbours overlap, as Tolias et al. choose them
    assert edge < 7 or 0.2 < 2 - edge / found[1][0] <= 0.5


def test_the_vector_is_the_sum_of_a_plain_loop_over_regions() -> None:
    maps = torch.rand(2, 3, 9, 9, generator=torch.Generator().manual_seed(0))
    expected = np.zeros((2, 3))
    for size, top, left in regions(9):
        for image in range(2):
            part = maps[image, :, top : top + size, left : left + size].numpy()
            largest = np.array([channel.max() for channel in part])
            expected[image] += largest / np.sqrt((largest**2).sum())
    np.testing.assert_allclose(RegionalMaxima()(maps).numpy(), expected, rtol=1e-5)


def test_a_map_without_features_gives_no_vector_and_no_error() -> None:
    assert RegionalMaxima()(torch.zeros(1, 3, 7, 7)).abs().sum() == 0.0
