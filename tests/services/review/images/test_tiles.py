from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.review.images.rendering import Size
from services.review.images.tiles import TILE, Pyramid, Tile
from spotted.errors import NotFoundError


@given(st.integers(1, 20_000), st.integers(1, 20_000))
def test_levels_halve_down_to_one_pixel(width: int, height: int) -> None:
    pyramid = Pyramid(Size(width, height))
    assert pyramid.level(pyramid.highest) == Size(width, height)
    assert pyramid.level(0) == Size(1, 1)
    for level in range(pyramid.highest):
        lower, upper = pyramid.level(level), pyramid.level(level + 1)
        assert lower == Size(-(-upper.width // 2), -(-upper.height // 2))


def test_tiles_cover_a_level_once() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (700, 1100, 3), dtype=np.uint8)
    pyramid = Pyramid(Size(1100, 700))
    joined = np.zeros_like(pixels)
    for column, row, tile in pyramid.cut(pixels):
        pyramid.check(Tile(pyramid.highest, column, row))
        joined[row * TILE : row * TILE + tile.shape[0], column * TILE : column * TILE + tile.shape[1]] = tile
    assert (joined == pixels).all()


@pytest.mark.parametrize(
    ("level", "column", "row"), [(11, 3, 0), (11, 0, 2), (12, 0, 0), (-1, 0, 0), (0, 1, 0)]
)
def test_a_tile_that_does_not_exist_is_named(level: int, column: int, row: int) -> None:
    with pytest.raises(NotFoundError, match="level"):
        Pyramid(Size(1100, 700)).check(Tile(level, column, row))
