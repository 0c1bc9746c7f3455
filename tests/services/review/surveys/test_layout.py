from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.review.surveys.layout import lay_out
from spotted.arrays import Float64Array

PLACES = st.lists(
    st.tuples(st.integers(-50_000, 50_000), st.integers(-50_000, 50_000)), min_size=1, max_size=9, unique=True
)


def distances(xy: Float64Array) -> Float64Array:
    apart: Float64Array = np.hypot(*(np.subtract.outer(axis, axis) for axis in xy.T))
    return apart


@given(PLACES, st.floats(0.0, 6.3), st.sampled_from([-1.0, 1.0]))
def test_distances_are_kept_and_nothing_else(
    places: list[tuple[int, int]], angle: float, sign: float
) -> None:
    xy = np.array(places, dtype=np.float64)
    layout = lay_out(distances(xy))
    assert np.allclose(distances(layout.xy) * layout.width_m, distances(xy), atol=1.0, rtol=1e-6)
    assert layout.xy.min() >= 0.0
    assert layout.xy[:, 0].max() <= 1.0 + 1e-9
    assert layout.xy[:, 1].max() <= layout.height + 1e-9
    # the width of a layout does not depend on where and how the places lie
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = (xy * [sign, 1.0]) @ turn + 352_147.0
    assert lay_out(distances(moved)).width_m == pytest.approx(layout.width_m, rel=1e-3, abs=2.0)


def test_one_place_has_no_width_and_no_scale() -> None:
    for count in (0, 1, 3):
        layout = lay_out(np.zeros((count, count)))
        assert (layout.width_m, layout.height, layout.xy.shape) == (0.0, 0.0, (count, 2))
        assert layout.scale_bar() is None


@pytest.mark.parametrize(
    ("width_m", "text"),
    [(10.0, "2 m"), (100.0, "20 m"), (5210.0, "2 km"), (26_000.0, "10 km"), (30.0, "10 m")],
)
def test_a_scale_bar_is_a_round_distance(width_m: float, text: str) -> None:
    layout = lay_out(np.array([[0.0, width_m], [width_m, 0.0]]))
    bar = layout.scale_bar()
    assert bar is not None
    length, words = bar
    assert words == text
    number, unit = words.split()
    assert length * width_m == pytest.approx(float(number) * (1000.0 if unit == "km" else 1.0))
