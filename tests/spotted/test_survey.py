from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.survey import (
    Camera,
    Detection,
    Extent,
    Side,
    Survey,
    detection_table,
    id_order,
    largest_distance_m,
)


def test_the_extent_spans_the_farthest_cameras_and_the_declared_time() -> None:
    cameras = {c.camera_id: c for c in (Camera("a", 0.0, 0.0), Camera("b", 3.0, 4.0), Camera("c"))}
    assert Survey("s", 10.0, 70.0, cameras=cameras).extent() == Extent(5.0, 60.0)


@given(points=st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), max_size=8))
def test_the_largest_distance_is_that_of_a_loop(points: list[tuple[float, float]]) -> None:
    cameras = [Camera(str(i), x, y) for i, (x, y) in enumerate(points)]
    expected = max((math.dist(p, q) for p in points for q in points), default=0.0)
    assert largest_distance_m(cameras) == pytest.approx(expected)


def test_a_table_takes_places_from_cameras_and_keeps_what_is_unknown() -> None:
    cameras = {
        "a": Camera("a", 1.0, 2.0, location_uncertainty_m=30.0, clock_suspect=True),
        "lost": Camera("lost"),
    }
    table = detection_table(
        [
            Detection("d1", camera_id="a", captured_at_s=5.0, image_id="i", side=Side.LEFT),
            Detection("d2", camera_id="lost", image_id="i"),
            Detection("d3", captured_at_s=7.0),
        ],
        cameras,
    )
    assert table.position_m[0].tolist() == [1.0, 2.0]
    assert np.isnan(table.position_m[1:]).all()
    assert (table.time_s[0], math.isnan(table.time_s[1]), table.time_s[2]) == (5.0, True, 7.0)
    assert table.image.tolist() == [0, 0, -1]
    assert table.side.tolist() == [1, 0, 0]
    assert table.location_uncertainty_m.tolist() == [30.0, 0.0, 0.0]
    assert table.clock_suspect.tolist() == [True, False, False]
    assert len(table) == 3


def test_a_table_of_nothing_has_no_rows() -> None:
    table = detection_table([], {})
    assert (len(table), table.position_m.shape) == (0, (0, 2))


@given(ids=st.lists(st.text(max_size=5), unique=True, max_size=20))
def test_ids_are_ranked_as_they_sort(ids: list[str]) -> None:
    assert [sorted(ids).index(i) for i in ids] == id_order(ids).tolist()
