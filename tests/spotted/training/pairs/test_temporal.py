from collections.abc import Iterator
from itertools import permutations, product

import numpy as np
import pytest

from spotted.errors import InvalidInputError
from spotted.training.pairs.detections import BoxedDetections
from spotted.training.pairs.overlap import box_overlaps
from spotted.training.pairs.temporal import PairRules, camera_frames, find_pairs


def drawn(seed: int, count: int = 60) -> BoxedDetections:
    """Detections of three cameras, up to four in a frame, some without time, camera, box or species."""
    rng = np.random.default_rng(seed)
    frame = np.sort(rng.integers(0, count // 2, count))
    start = rng.random((count, 2)) * 0.4
    corners = np.concatenate([start, start + 0.2 + 0.4 * rng.random((count, 2))], axis=1)
    corners[rng.random(count) < 0.1] = np.nan
    time_s = np.round(rng.random(count) * 40.0)[frame] * 30.0
    time_s[rng.random(count) < 0.05] = np.nan
    return BoxedDetections(
        camera=rng.integers(-1, 3, count)[frame],
        time_s=time_s,
        frame=frame,
        corners=corners,
        individual=rng.integers(-1, 4, count),
        species=rng.integers(-1, 2, count),
    )


def frames_by_loop(columns: BoxedDetections, camera: int) -> list[tuple[float, int, list[int]]]:
    """Time, number and rows of each usable frame of a camera, by time."""
    frames: dict[int, list[int]] = {}
    for row in range(len(columns)):
        known = np.isfinite(columns.time_s[row]) and np.isfinite(columns.corners[row]).all()
        if columns.camera[row] == camera and known:
            frames.setdefault(int(columns.frame[row]), []).append(row)
    return sorted((float(columns.time_s[rows[0]]), frame, rows) for frame, rows in frames.items())


def best_assignment(columns: BoxedDetections, early: list[int], late: list[int], least: float) -> float:
    """The largest sum of overlaps of possible pairs, over all ways to pair the boxes of two frames."""
    overlap = box_overlaps(columns.corners[early], columns.corners[late])
    for one, other in product(range(len(early)), range(len(late))):
        kinds = columns.species[early[one]], columns.species[late[other]]
        if overlap[one, other] < least or (min(kinds) >= 0 and kinds[0] != kinds[1]):
            overlap[one, other] = 0.0
    small = overlap if len(early) <= len(late) else overlap.T
    ways = permutations(range(small.shape[1]), small.shape[0])
    return max(sum(float(small[one, other]) for one, other in enumerate(way)) for way in ways)


def compared_by_loop(
    columns: BoxedDetections, rules: PairRules
) -> Iterator[tuple[list[int], list[int], float]]:
    """The rows of the frames to be compared, found frame by frame."""
    for camera in range(3):
        frames = frames_by_loop(columns, camera)
        for index, (time_s, _, early) in enumerate(frames):
            for later_s, _, late in frames[index + 1 :]:
                if later_s - time_s >= rules.least_gap_s:
                    if later_s - time_s <= rules.largest_gap_s:
                        yield early, late, later_s - time_s
                    break


@pytest.mark.parametrize("least_gap_s", [0.0, 120.0])
@pytest.mark.parametrize("seed", range(4))
def test_pairs_equal_those_of_a_plain_loop(seed: int, least_gap_s: float) -> None:
    columns = drawn(seed)
    rules = PairRules(least_overlap=0.3, least_gap_s=least_gap_s, largest_gap_s=300.0)
    pairs = find_pairs(columns, rules)
    compared = list(compared_by_loop(columns, rules))
    assert pairs.frames == len(compared)
    assert len(pairs)
    taken = 0
    for early, late, gap_s in compared:
        mine = np.flatnonzero(np.isin(pairs.first, early) & np.isin(pairs.second, late))
        taken += len(mine)
        assert (pairs.gap_s[mine] == gap_s).all()
        assert (pairs.overlap[mine] >= rules.least_overlap).all()
        # no box twice, and no other way to pair the boxes overlaps more
        assert len({*pairs.first[mine].tolist()}) == len({*pairs.second[mine].tolist()}) == len(mine)
        assert pairs.overlap[mine].sum() == pytest.approx(best_assignment(columns, early, late, 0.3))
    assert taken == len(pairs)


def test_a_pair_with_another_possible_partner_is_ambiguous() -> None:
    beside = [[0.0, 0.0, 0.4, 0.4], [0.5, 0.5, 0.9, 0.9]]
    columns = BoxedDetections(
        camera=np.zeros(5, dtype=np.int64),
        time_s=np.array([0.0, 0.0, 200.0, 200.0, 200.0]),
        frame=np.array([0, 0, 1, 1, 1]),
        corners=np.array([*beside, *beside, [0.1, 0.0, 0.5, 0.4]]),
        individual=np.full(5, -1),
        species=np.full(5, -1),
    )
    pairs = find_pairs(columns, PairRules())
    assert pairs.second.tolist() == [2, 3]
    assert pairs.ambiguous.tolist() == [True, False]
    left_out = find_pairs(columns, PairRules(several="leave-out"))
    assert (len(left_out), left_out.frames, left_out.left_out) == (0, 1, 1)


def test_the_order_of_the_rows_does_not_matter() -> None:
    columns, shuffled = drawn(1), np.random.default_rng(5).permutation(60)
    other = BoxedDetections(
        *(getattr(columns, name)[shuffled] for name in BoxedDetections.__dataclass_fields__)
    )
    rules = PairRules(least_overlap=0.3)
    pairs, again = find_pairs(columns, rules), find_pairs(other, rules)
    expected = {*zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)}
    found = {*zip(shuffled[again.first].tolist(), shuffled[again.second].tolist(), strict=True)}
    assert found == expected


def test_frames_come_by_camera_and_time() -> None:
    columns = drawn(2)
    for frames, time_s in camera_frames(columns, columns.usable):
        assert (np.diff(time_s) >= 0.0).all()
        assert len({int(columns.camera[row]) for rows in frames for row in rows}) == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"least_overlap": 0.0}, "least overlap 0; give more than 0"),
        ({"least_gap_s": 700.0}, "the least gap exceeds the largest"),
        ({"several": "both"}, "use assign or leave-out"),
    ],
)
def test_wrong_rules_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        PairRules(**wrong)  # type: ignore[arg-type] # the values are wrong on purpose
