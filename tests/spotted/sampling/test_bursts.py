from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from spotted.arrays import Float32Array, IntArray
from spotted.sampling.bursts import BURST_GAP_S, burst_groups, burst_ids
from spotted.survey import DetectionTable

NAN = math.nan
# place on a line of stations 1 km apart, and time
Shot = tuple[float, float]
shots = st.lists(
    st.tuples(
        st.sampled_from([0.0, 1.0, 2.0, NAN]),
        st.one_of(st.integers(0, 12).map(lambda step: step * 30.0), st.just(NAN)),
    ),
    max_size=14,
)


def table(rows: Sequence[Shot]) -> DetectionTable:
    columns = np.array(rows, dtype=np.float64).reshape(-1, 2)
    return DetectionTable(
        position_m=np.stack((columns[:, 0] * 1000.0, np.zeros(len(rows))), axis=1),
        time_s=columns[:, 1],
        image=np.full(len(rows), -1),
        side=np.zeros(len(rows), dtype=np.int64),
        location_uncertainty_m=np.zeros(len(rows)),
        clock_suspect=np.zeros(len(rows), dtype=np.bool_),
    )


def looped(rows: Sequence[Shot], gap_s: float) -> list[set[int]]:
    """The same bursts by merging sets of frames that are close enough."""
    parts = [{row} for row in range(len(rows))]
    for a, (place, time_s) in enumerate(rows):
        for b, (other, later_s) in enumerate(rows[:a]):
            # a comparison with NaN is false
            if place == other and abs(time_s - later_s) <= gap_s:
                (one,) = [part for part in parts if a in part]
                (two,) = [part for part in parts if b in part]
                if one is not two:
                    parts = [part for part in parts if part is not one and part is not two] + [one | two]
    return parts


def parts_of(ids: IntArray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(ids == number).tolist()) for number in ids}


@settings(deadline=None)
@given(shots, st.sampled_from([0.0, 30.0, 60.0, 90.0]))
def test_bursts_equal_those_of_a_plain_loop(rows: list[Shot], gap_s: float) -> None:
    ids = burst_ids(table(rows), gap_s=gap_s)
    assert parts_of(ids) == {frozenset(part) for part in looped(rows, gap_s)}
    assert sorted(set(ids.tolist())) == list(range(len(set(ids.tolist()))))


@settings(deadline=None)
@given(shots, st.integers(0, 99))
def test_the_order_of_the_items_changes_no_burst(rows: list[Shot], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(rows))
    moved = burst_ids(table([rows[row] for row in order]))
    back = np.empty(len(rows), dtype=np.int64)
    back[order] = moved
    assert parts_of(back) == parts_of(burst_ids(table(rows)))


def test_a_burst_goes_on_up_to_the_gap_and_ends_beyond_it() -> None:
    beyond = np.nextafter(BURST_GAP_S, np.inf)
    assert parts_of(burst_ids(table([(0, 0.0), (0, BURST_GAP_S)]))) == {frozenset({0, 1})}
    assert parts_of(burst_ids(table([(0, 0.0), (0, beyond)]))) == {frozenset({0}), frozenset({1})}


def test_a_burst_may_last_longer_than_the_gap() -> None:
    assert set(burst_ids(table([(0, 50.0 * step) for step in range(20)])).tolist()) == {0}


def test_an_item_without_place_or_time_is_a_burst_of_its_own() -> None:
    assert len(set(burst_ids(table([(NAN, 5.0), (NAN, 5.0), (0, NAN), (0, NAN), (0, 5.0)])).tolist())) == 5


def test_nothing_has_no_bursts() -> None:
    ids = burst_ids(table([]))
    assert ids.shape == (0,)
    assert ids.dtype == np.int64


def looks(*animals: int) -> Float32Array:
    """A vector for each animal at right angles to the others, with one more animal elsewhere to compare."""
    return np.eye(4, dtype=np.float32)[list(animals)]


def test_a_burst_is_cut_into_frames_that_look_alike_in_the_order_of_their_times() -> None:
    rows = [(0, 30.0), (0, 0.0), (0, 20.0), (0, 10.0), (1, 5.0), (2, 5.0)]
    assert burst_groups(table(rows), looks(0, 0, 1, 1, 2, 3)) == [(1, 0), (3, 2)]


def test_frames_alike_in_two_bursts_are_two_groups_and_one_frame_is_no_group() -> None:
    rows = [(0, 0.0), (0, 30.0), (0, 1000.0), (0, 1030.0), (0, 5000.0), (1, 0.0)]
    assert burst_groups(table(rows), looks(0, 0, 0, 0, 0, 1)) == [(0, 1), (2, 3)]


def test_how_alike_frames_must_be_can_be_chosen() -> None:
    rows = [(0, 0.0), (0, 1.0), (1, 0.0), (2, 0.0)]
    vectors = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]], dtype=np.float32)
    # their mean is zero, and the first two are at right angles
    assert burst_groups(table(rows), vectors) == []
    assert burst_groups(table(rows), vectors, least_likeness=-0.1) == [(0, 1)]


def test_what_all_photographs_share_makes_no_frames_alike() -> None:
    rows = [(0, 0.0), (0, 1.0), (1, 0.0), (2, 0.0)]
    shared = looks(0, 1, 2, 3) + np.float32(10.0)
    assert burst_groups(table(rows), shared) == []
    assert burst_groups(table(rows), looks(0, 0, 2, 3) + np.float32(10.0)) == [(0, 1)]


@settings(deadline=None)
@given(shots, st.integers(0, 99))
def test_groups_are_parts_of_bursts_by_time_and_share_no_frame(rows: list[Shot], seed: int) -> None:
    made = table(rows)
    vectors = np.random.default_rng(seed).normal(size=(len(rows), 3)).astype(np.float32)
    ids = burst_ids(made)
    groups = burst_groups(made, vectors) if rows else []
    frames = [frame for group in groups for frame in group]
    assert len(frames) == len(set(frames))
    for group in groups:
        assert len(group) > 1
        assert len({int(ids[frame]) for frame in group}) == 1
        keys = [(made.time_s[frame], frame) for frame in group]
        assert keys == sorted(keys)
    assert [(made.time_s[g[0]], g[0]) for g in groups] == sorted((made.time_s[g[0]], g[0]) for g in groups)


def test_whole_bursts_are_groups_if_any_likeness_suffices() -> None:
    rows = [(0, 0.0), (0, 30.0), (1, 0.0), (1, 500.0), (NAN, 0.0)]
    groups = burst_groups(table(rows), looks(0, 1, 2, 3, 0), least_likeness=-1.5)
    assert groups == [(0, 1)]
