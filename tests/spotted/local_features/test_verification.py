from __future__ import annotations

import numpy as np
import pytest

from spotted.arrays import Float64Array
from spotted.local_features.verification import verify

DIAGONAL = 840.0


def keypoints(count: int, seed: int) -> Float64Array:
    rng = np.random.default_rng(seed)
    columns = [rng.uniform(0, 700, count), rng.uniform(0, 460, count), rng.uniform(3, 20, count)]
    return np.column_stack([*columns, rng.uniform(0, 2 * np.pi, count)])


def through(points: Float64Array, homography: Float64Array) -> Float64Array:
    """Keypoints through a homography, their shapes by differences."""

    def mapped(xy: Float64Array) -> Float64Array:
        found = np.column_stack([xy, np.ones(len(xy))]) @ homography.T
        return found[:, :2] / found[:, 2:]

    tips = points[:, :2] + 0.01 * points[:, 2:3] * np.column_stack(
        [np.cos(points[:, 3]), np.sin(points[:, 3])]
    )
    here, there = mapped(points[:, :2]), mapped(tips)
    shift = (there - here) * 100.0
    return np.column_stack([here, np.hypot(*shift.T), np.arctan2(shift[:, 1], shift[:, 0])])


def plain(a: Float64Array, b: Float64Array, weights: Float64Array) -> list[int]:
    """The matches that agree with the best similarity, match by match."""
    best, most = list[int](), 0.0
    for k in range(len(a)):
        turn, growth = b[k, 3] - a[k, 3], b[k, 2] / a[k, 2]
        matrix = growth * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        agreeing = []
        for i in range(len(a)):
            where = matrix @ (a[i, :2] - a[k, :2]) + b[k, :2]
            near = np.hypot(*(where - b[i, :2])) < 0.1 * DIAGONAL
            area = (growth * a[i, 2] / b[i, 2]) ** 2
            angle = (a[i, 3] + turn - b[i, 3] + np.pi) % (2 * np.pi) - np.pi
            if near and 0.5 < area < 2.0 and abs(angle) < np.pi / 2:
                agreeing.append(i)
        if weights[agreeing].sum() > most:
            best, most = agreeing, weights[agreeing].sum()
    return best if len(best) >= 4 else []


HOMOGRAPHIES = {
    "same": np.eye(3),
    "shift": np.array([[1, 0, 60], [0, 1, -30], [0, 0, 1.0]]),
    "turn": np.array([[0.8, -0.6, 200], [0.6, 0.8, -90], [0, 0, 1.0]]),
    "grow": np.array([[1.7, 0, 0], [0, 1.7, 5], [0, 0, 1.0]]),
    "tilt": np.array([[1.05, 0.02, 5], [-0.03, 0.95, 8], [1e-4, -8e-5, 1.0]]),
}


@pytest.mark.parametrize("name", HOMOGRAPHIES)
def test_matches_of_a_known_homography_agree_and_others_do_not(name: str) -> None:
    a = keypoints(60, 1)
    b = through(a, HOMOGRAPHIES[name])
    # a third of the matches is wrong
    b[40:] = keypoints(20, 2)
    found = verify(a, b, np.ones(60), diagonal=DIAGONAL)
    right, wrong = found.inliers[found.inliers < 40], found.inliers[found.inliers >= 40]
    assert len(right) == 40
    assert len(wrong) <= 1
    assert found.closeness[:40].min() > 0.8


@pytest.mark.parametrize("seed", range(8))
def test_few_matches_agree_as_in_a_plain_loop(seed: int) -> None:
    # below seven inliers no homography refines what the loop finds
    a = keypoints(9, seed)
    b = through(a, HOMOGRAPHIES["turn"])
    b[5:] = keypoints(4, seed + 100)
    weights = np.random.default_rng(seed).uniform(0.1, 1, 9)
    assert verify(a, b, weights, diagonal=DIAGONAL).inliers.tolist() == plain(a, b, weights)


def test_unrelated_keypoints_do_not_agree() -> None:
    agreeing = [
        len(verify(keypoints(12, s), keypoints(12, s + 500), np.ones(12), diagonal=DIAGONAL).inliers)
        for s in range(20)
    ]
    assert agreeing == [0] * 20


@pytest.mark.parametrize("count", [0, 1, 3])
def test_three_matches_are_too_few(count: int) -> None:
    points = keypoints(count, 4)
    assert not len(verify(points, points, np.ones(count), diagonal=DIAGONAL).inliers)


def test_matches_at_one_point_or_on_one_line_agree_without_a_homography() -> None:
    point = np.tile([[50.0, 60.0, 4.0, 1.0]], (9, 1))
    line = point + np.arange(9)[:, None] * [10.0, 0.0, 0.0, 0.0]
    for points in (point, line):
        found = verify(points, points, np.ones(9), diagonal=DIAGONAL)
        assert found.inliers.tolist() == list(range(9))
        np.testing.assert_allclose(found.closeness, 1.0, atol=1e-6)


def test_matches_of_other_size_or_direction_do_not_agree() -> None:
    a = keypoints(8, 6)
    larger, mirrored = a.copy(), a.copy()
    larger[:4, 2] *= 1.5  # areas differ by 2.25
    mirrored[:4, 3] += np.pi
    for b in (larger, mirrored):
        assert verify(a, b, np.r_[np.ones(4), 2 * np.ones(4)], diagonal=DIAGONAL).inliers.tolist() == [
            4,
            5,
            6,
            7,
        ]
