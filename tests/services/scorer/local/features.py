"""Local features for tests: keypoints on a grid, with descriptors drawn from a seed."""

from __future__ import annotations

import numpy as np

from spotted.local_features.features import LocalFeatures

SIZE = (700, 467)


def drawn(seed: int, count: int = 40) -> LocalFeatures:
    """Features of a pattern; equal seeds draw equal ones."""
    rng = np.random.default_rng(seed)
    points = np.stack(
        [
            rng.uniform(0, SIZE[0], count),
            rng.uniform(0, SIZE[1], count),
            np.full(count, 9.0),
            np.zeros(count),
        ],
        axis=1,
    ).astype(np.float32)
    return LocalFeatures(points, rng.integers(0, 90, (count, 128), dtype=np.uint8), SIZE)


def photograph(animal: int, shot: int, count: int = 30) -> LocalFeatures:
    """An animal's marks, seen from a little elsewhere, with noise that differs in each photograph."""
    marks, rng = drawn(animal, count), np.random.default_rng([animal, shot])
    points = marks.points + np.array([3.0 * shot, 2.0 * shot, 0.0, 0.0], np.float32)
    noise = rng.integers(0, 4, marks.descriptors.shape, dtype=np.uint8)
    return LocalFeatures(points, marks.descriptors + noise, SIZE).rounded()
