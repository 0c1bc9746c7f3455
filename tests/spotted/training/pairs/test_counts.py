import numpy as np
import pytest

from spotted.training.pairs.counts import count_pairs, judge_pairs, measure_drift, sweep_pairs
from spotted.training.pairs.detections import BoxedDetections
from spotted.training.pairs.temporal import PairRules, find_pairs


def passing(individual: list[int], gap_s: float = 150.0) -> BoxedDetections:
    """One camera that photographs one animal in each frame, a little further to the right every time."""
    count = len(individual)
    left = 0.05 * np.arange(count)
    return BoxedDetections(
        camera=np.zeros(count, dtype=np.int64),
        time_s=gap_s * np.arange(float(count)),
        frame=np.arange(count),
        corners=np.column_stack([left, np.zeros(count), left + 0.2, np.full(count, 0.5)]),
        individual=np.array(individual),
        species=np.full(count, -1),
    )


def test_pairs_of_two_individuals_are_wrong_and_unknown_ones_are_not_judged() -> None:
    columns = passing([0, 0, 1, -1, 1, 1])
    rules = PairRules()
    pairs = find_pairs(columns, rules)
    judged, wrong = judge_pairs(columns, pairs)
    assert judged.tolist() == [True, True, False, False, True]
    assert wrong.tolist() == [False, True, False, False, False]
    counts = count_pairs(columns, pairs, rules)
    assert (counts.frames, counts.kept, counts.judged, counts.wrong) == (5, 5, 3, 1)
    assert counts.wrong_share == pytest.approx(1 / 3)
    assert count_pairs(passing([-1, -1]), find_pairs(passing([-1, -1]), rules), rules).wrong_share is None


def test_a_sweep_counts_each_setting_and_fewer_pairs_overlap_more() -> None:
    columns = passing([0, 0, 1, 1, 1, 0], gap_s=100.0)
    swept = sweep_pairs(columns, PairRules(), overlaps=(0.5, 0.9), gaps_s=(0.0, 60.0, 9_999.0))
    settings = [(one.rules.least_overlap, one.rules.least_gap_s) for one in swept]
    assert settings == [(overlap, gap_s) for overlap in (0.2, 0.5, 0.9) for gap_s in (0.0, 60.0, 120.0)]
    # consecutive boxes overlap by 0.6, the ones after those by 1/3
    assert [one.kept for one in swept] == [5, 5, 4, 5, 5, 0, 0, 0, 0]
    assert swept[0] == count_pairs(columns, find_pairs(columns, swept[0].rules), swept[0].rules)


def test_drift_counts_consecutive_frames_that_share_an_animal() -> None:
    columns = passing([0, 0, 1, 1, -1, 0])
    columns.time_s[:] = [0.0, 5.0, 10.0, 70.0, 100.0, 101.0]
    # a detection without a box is seen all the same
    columns.corners[1] = np.nan
    found = [(row.least_s, row.below_s, row.pairs, row.same) for row in measure_drift(columns)]
    assert found == [
        (0.0, 10.0, 2, 1),
        (10.0, 60.0, 0, 0),
        (60.0, 120.0, 1, 1),
        (120.0, 600.0, 0, 0),
        (600.0, 3600.0, 0, 0),
    ]
