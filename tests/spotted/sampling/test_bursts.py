from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from spotted.sampling.bursts import BURST_GAP_S, burst_ids
from spotted.survey import DetectionTable, IntArray

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
