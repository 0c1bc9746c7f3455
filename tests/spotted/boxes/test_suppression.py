from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from spotted.arrays import FloatArray, IntArray
from spotted.boxes.suppression import suppress


def plainly(
    corners: FloatArray, confidence: FloatArray, category: IntArray, overlap: float, most: int
) -> list[int]:
    """The same by two loops over pixels' areas."""
    kept: list[int] = []
    for index in sorted(range(len(corners)), key=lambda i: (-confidence[i], i)):
        x0, y0, x1, y1 = corners[index]
        for other in kept:
            a0, b0, a1, b1 = corners[other]
            shared = max(min(x1, a1) - max(x0, a0), 0.0) * max(min(y1, b1) - max(y0, b0), 0.0)
            union = (x1 - x0) * (y1 - y0) + (a1 - a0) * (b1 - b0) - shared
            if category[other] == category[index] and shared > overlap * union:
                break
        else:
            kept.append(index)
    return kept[:most]


@st.composite
def found(draw: st.DrawFn) -> tuple[FloatArray, FloatArray, IntArray]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    count = draw(st.integers(0, 40))
    start = rng.integers(0, 12, (count, 2)).astype(np.float64)
    corners = np.concatenate([start, start + rng.integers(0, 12, (count, 2))], axis=1)
    # few levels, so that many are equal
    return corners, rng.integers(0, 5, count) / 4.0, rng.integers(0, 3, count)


@given(found(), st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.sampled_from([3, 100]))
@settings(max_examples=80)
def test_it_keeps_what_a_plain_loop_keeps(
    boxes: tuple[FloatArray, FloatArray, IntArray], overlap: float, most: int
) -> None:
    assert suppress(*boxes, overlap=overlap, most=most).tolist() == plainly(*boxes, overlap, most)


def test_boxes_of_two_classes_stay_and_repeated_ones_go() -> None:
    corners = np.array([[0.0, 0, 10, 10]] * 3)
    kept = suppress(corners, np.array([0.5, 0.9, 0.7]), np.array([0, 0, 1]), overlap=0.45, most=10)
    assert kept.tolist() == [1, 2]


def test_nothing_remains_of_nothing() -> None:
    none = suppress(np.zeros((0, 4)), np.zeros(0), np.zeros(0, dtype=np.int64), overlap=0.45, most=10)
    assert none.tolist() == []
