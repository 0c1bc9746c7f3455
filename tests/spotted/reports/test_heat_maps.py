from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from spotted.arrays import ByteArray
from spotted.errors import UnreadableImageError
from spotted.reports.heat_maps import draw_heat
from spotted.reports.matched_marks import HEIGHT_PX

COLD, HALF = np.zeros((2, 2)), np.array([[0.0, 0.4], [0.0, 0.0]])


def grey(width: int, height: int) -> bytes:
    with io.BytesIO() as file:
        Image.new("RGB", (width, height), (90, 90, 90)).save(file, "PNG")
        return file.getvalue()


def pixels(content: bytes) -> ByteArray:
    return np.asarray(Image.open(io.BytesIO(content))).astype(np.int16).astype(np.uint8)


def test_the_photographs_are_clean_above_and_warm_below_where_a_cell_counts() -> None:
    square = (grey(50, 50), None)
    drawn = pixels(draw_heat(square, square, (COLD, HALF)))
    assert drawn.shape == (2 * HEIGHT_PX, 2 * HEIGHT_PX, 3)
    assert (drawn[:HEIGHT_PX] == 90).all()
    below = drawn[HEIGHT_PX:]
    assert (below[:, :HEIGHT_PX] == 90).all()
    quarter = HEIGHT_PX // 4
    warm, cold = below[quarter, HEIGHT_PX + 3 * quarter], below[3 * quarter, HEIGHT_PX + quarter]
    assert warm.sum() > 500
    assert cold.tolist() == [90, 90, 90]


def test_both_photographs_have_one_scale_and_what_sets_them_apart_is_cold() -> None:
    square, size = (grey(50, 50), None), HEIGHT_PX // 4
    drawn = pixels(draw_heat(square, square, (HALF, HALF / 4 - 0.05)))[HEIGHT_PX:]
    first, second = drawn[size, 3 * size], drawn[size, HEIGHT_PX + 3 * size]
    assert first.sum() > second.sum()
    assert drawn[3 * size, HEIGHT_PX + size].tolist() == [90, 90, 90]
    # nothing in common at all
    assert (pixels(draw_heat(square, square, (COLD - 1, COLD))) == 90).all()


def test_matched_cells_are_joined_also_in_padded_grids() -> None:
    wide = (grey(100, 50), None)
    for padded, y in ((False, 0.5), (True, 0.5), (True, 0.25)):
        drawn = pixels(draw_heat(wide, wide, (COLD, COLD), [(0.25, y, 0.75, y)], padded=padded))
        rows, columns = np.nonzero((drawn != 90).any(axis=2))
        assert columns.min() == pytest.approx(0.5 * HEIGHT_PX, abs=3)
        assert columns.max() == pytest.approx(3.5 * HEIGHT_PX, abs=3)
        # in a padded grid a quarter of the height is the upper edge of the photograph
        middle = 1.0 if padded and y == 0.25 else 1.5
        assert rows.mean() == pytest.approx(middle * HEIGHT_PX, abs=3)


def test_a_damaged_photograph_is_named() -> None:
    with pytest.raises(UnreadableImageError, match="use another file"):
        draw_heat((b"no image", None), (grey(9, 9), None), (COLD, COLD))
