from __future__ import annotations

import numpy as np
import pytest

from spotted.errors import InvalidInputError
from spotted.local_features.chips import in_mask, make_chip


@pytest.mark.parametrize("size", [(100, 250), (250, 100), (1400, 700), (3, 2000), (1, 1)])
def test_the_longest_side_has_the_size_and_the_shape_is_kept(size: tuple[int, int]) -> None:
    chip = make_chip(np.full((*size, 3), 90, dtype=np.uint8), 700)
    assert max(chip.shape[:2]) == 700
    assert abs(chip.shape[0] - size[0] * 700 / max(size)) <= 1
    assert (chip == 90).all()


@pytest.mark.parametrize(("size", "chip"), [((100, 250), (100, 250)), ((1400, 700), (700, 350))])
def test_a_picture_is_enlarged_only_if_it_may_be(size: tuple[int, int], chip: tuple[int, int]) -> None:
    picture = np.full((*size, 3), 90, dtype=np.uint8)
    assert make_chip(picture, 700, enlarged=False).shape == (*chip, 3)


@pytest.mark.parametrize("shape", [(10, 10), (10, 10, 4), (0, 10, 3)])
def test_another_shape_is_no_picture(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInputError, match="picture"):
        make_chip(np.zeros(shape, dtype=np.uint8), 700)


def test_points_are_in_the_mask_at_the_same_share_of_the_picture() -> None:
    mask = np.zeros((10, 20), dtype=np.bool_)
    mask[:, 10:] = True
    points = [(0.0, 0.0), (349.0, 9.0), (351.0, 9.0), (700.0, 350.0)]
    assert [in_mask(mask, point, (700, 350)) for point in points] == [False, False, True, True]
