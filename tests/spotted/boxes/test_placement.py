from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotted.boxes.placement import FITS, Fit, Placement, place

sizes = st.integers(1, 6000)


@given(st.tuples(sizes, sizes), st.tuples(st.integers(1, 1300), st.integers(1, 1300)), st.sampled_from(FITS))
@settings(max_examples=60)
def test_a_box_drawn_in_the_input_comes_back_exactly(
    image: tuple[int, int], size: tuple[int, int], fit: Fit
) -> None:
    placed = place(*image, width=size[0], height=size[1], fit=fit)
    assert 0 <= placed.left <= placed.left + placed.width <= size[0]
    assert 0 <= placed.top <= placed.top + placed.height <= size[1]
    for x, y, width, height in [(0.0, 0.0, 1.0, 1.0), (0.25, 0.5, 0.125, 0.25)]:
        left, top = placed.left + x * placed.width, placed.top + y * placed.height
        corners = np.array([[left, top, left + width * placed.width, top + height * placed.height]])
        np.testing.assert_allclose(placed.to_fractions(corners), [[x, y, width, height]], atol=1e-9)


@given(st.tuples(sizes, sizes), st.integers(32, 1300))
@settings(max_examples=60)
def test_a_letterbox_keeps_the_proportions_and_is_centred(image: tuple[int, int], size: int) -> None:
    placed = place(*image, width=size, height=size, fit="letterbox")
    scale = size / max(image)
    assert max(placed.width, placed.height) == size
    for side, length in zip((placed.width, placed.height), image, strict=True):
        assert side == 1 or abs(side - scale * length) <= 0.5
    assert abs(placed.left - (size - placed.width) / 2) <= 0.5
    assert abs(placed.top - (size - placed.height) / 2) <= 0.5


def test_the_forms_place_a_wide_image() -> None:
    assert place(400, 200, width=100, height=80, fit="stretch") == Placement(0, 0, 100, 80)
    assert place(400, 200, width=100, height=80, fit="letterbox") == Placement(0, 15, 100, 50)
    assert place(400, 200, width=100, height=80, fit="letterbox-corner") == Placement(0, 0, 100, 50)
    # the height fills the input
    assert place(400, 200, width=300, height=50, fit="letterbox") == Placement(100, 0, 100, 50)


@pytest.mark.parametrize(
    ("corners", "expected"),
    [((-9, 20, 50, 60), (0, 0, 0.5, 0.7)), ((50, 50, 200, 99), (0.5, 0.5, 0.5, 0.5))],
)
def test_what_lies_beside_the_image_is_cut_off(
    corners: tuple[float, ...], expected: tuple[float, ...]
) -> None:
    found = Placement(0, 25, 100, 50).to_fractions(np.array([corners], dtype=np.float64))
    np.testing.assert_allclose(found, [expected])
