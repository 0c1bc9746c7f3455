import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spotted.arrays import Float64Array
from spotted.training.pairs.overlap import box_overlaps

FRACTIONS = st.integers(0, 8).map(lambda eighths: eighths / 8.0)
BOXES = st.lists(st.tuples(FRACTIONS, FRACTIONS, FRACTIONS, FRACTIONS), min_size=1, max_size=4)


def overlap_by_cells(one: Float64Array, other: Float64Array) -> float:
    """The overlap of two boxes whose edges lie on eighths, by counting the cells of a grid."""
    inside = [
        np.array([box[0] <= x / 8 < box[2] and box[1] <= y / 8 < box[3] for x in range(8) for y in range(8)])
        for box in (one, other)
    ]
    union = (inside[0] | inside[1]).sum()
    return float((inside[0] & inside[1]).sum() / union) if union else 0.0


@given(BOXES, BOXES)
def test_overlaps_equal_those_of_cells_counted(
    first: list[tuple[float, ...]], second: list[tuple[float, ...]]
) -> None:
    ones, others = np.array(first), np.array(second)
    found = box_overlaps(ones, others)
    expected = [[overlap_by_cells(one, other) for other in others] for one in ones]
    np.testing.assert_allclose(found, expected, atol=1e-12)
