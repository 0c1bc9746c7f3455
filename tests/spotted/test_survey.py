from __future__ import annotations

import math

import numpy as np
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
)


def test_the_extent_spans_the_farthest_cameras_and_the_declared_time() -> None:
    cameras = {c.camera_id: c for c in (Camera("a", 0.0, 0.0), Camera("b", 3.0, 4.0), Camera("c"))}
    assert Survey("s", 10.0, 70.0, cameras=cameras).extent() == Extent(5.0, 60.0, 10.0)


def test_a_camera_with_a_wrong_position_is_named_and_left_out_of_the_extent() -> None:
    grid = {f"c{i}": Camera(f"c{i}", 1000.0 * (i // 4), 1000.0 * (i % 4)) for i in range(12)}
    clean = Survey("s", 0.0, 60.0, cameras={**grid, "c?": Camera("c?")})
    wrong = Survey("s", 0.0, 60.0, cameras={**clean.cameras, "far": Camera("far", 0.0, 5_400_000.0)})
    assert (wrong.extent(), wrong.outlying_cameras()) == (clean.extent(), ["far"])
    assert clean.outlying_cameras() == []


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


def test_cameras_of_one_station_stand_at_its_middle_unless_they_lie_far_apart() -> None:
    pair = {"a": Camera("a", 0.0, 0.0, station="ford"), "b": Camera("b", 6.0, 8.0, station="ford")}
    others = {
        "again": Camera("again", 6.0, 8.0, station="ford"),
        "lost": Camera("lost", station="ford"),
        "ford": Camera("ford", 3.0, 10.0),
        "c": Camera("c", 50.0, 0.0, station="ridge"),
        "d": Camera("d", 50.0, 1001.0, station="ridge"),
        "e": Camera("e", 7.0, 7.0),
    }
    cameras = {**pair, **others}
    table = detection_table([Detection(i, camera_id=i) for i in cameras], cameras)
    # three places, each once; a camera without a station is one of its own, named by its id
    middle = [3.0, 6.0]
    expected = dict.fromkeys(("a", "b", "again", "ford"), middle)
    expected |= {"c": [50.0, 0.0], "d": [50.0, 1001.0], "e": [7.0, 7.0]}
    placed = dict(zip(cameras, table.position_m.tolist(), strict=True))
    assert {i: placed[i] for i in expected} == expected
    assert np.isnan(placed["lost"]).all()
    alone = detection_table([Detection("x", camera_id="b")], cameras)
    assert alone.position_m.tolist() == [middle]


def test_a_pair_of_cameras_is_no_survey_that_a_third_one_lies_far_from() -> None:
    pair = {n: Camera(n, 0.0, y_m, station="ford") for n, y_m in (("a", 0.0), ("b", 6.0))}
    cameras = {**pair, "c": Camera("c", 4000.0, 3003.0)}
    survey = Survey("s", 0.0, 60.0, cameras=cameras)
    assert survey.outlying_cameras() == []
    assert survey.extent().distance_m == 5000.0


@given(st.permutations(range(5)))
def test_the_middle_of_a_station_is_the_same_in_any_order(order: list[int]) -> None:
    shared = [Camera(str(n), 0.1 * n, 0.7 / (n + 1), station="s") for n in order]
    table = detection_table([Detection("d", camera_id="3")], {c.camera_id: c for c in shared})
    assert table.position_m.tolist() == [[np.mean([0.1 * n for n in range(5)]), _mean_y()]]


def _mean_y() -> float:
    # summed in the order of x
    return float(np.array([0.7 / (n + 1) for n in range(5)]).mean())


def test_replaced_rows_are_those_of_the_other_table_and_the_rest_stays() -> None:
    images: dict[str, int] = {}
    first = detection_table([Detection(i, captured_at_s=1.0, image_id="x") for i in "abc"], {}, images)
    other = detection_table([Detection("b", captured_at_s=5.0, image_id="y", side=Side.LEFT)], {}, images)
    table = first.replaced(np.array([1]), other)
    assert table.time_s.tolist() == [1.0, 5.0, 1.0]
    assert table.image.tolist() == [0, 1, 0]
    assert table.side.tolist() == [0, 1, 0]
    assert first.time_s.tolist() == [1.0, 1.0, 1.0]


def test_a_table_of_nothing_has_no_rows() -> None:
    table = detection_table([], {})
    assert (len(table), table.position_m.shape) == (0, (0, 2))


@given(ids=st.lists(st.text(max_size=5), unique=True, max_size=20))
def test_ids_are_ranked_as_they_sort(ids: list[str]) -> None:
    assert [sorted(ids).index(i) for i in ids] == id_order(ids).tolist()
