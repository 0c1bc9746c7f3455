"""Matched keypoints of two detections."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spotted.arrays import Float32Array, FloatArray, IntArray
from spotted.local_features.features import LocalFeatures


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Matched keypoints of two detections, those of most weight first.

    >>> import numpy as np
    >>> points = np.array([[10, 20, 3, 0], [30, 40, 3, 0]], dtype=np.float32)
    >>> features = LocalFeatures(points, np.zeros((2, 128), dtype=np.uint8), (700, 467))
    >>> matches = Matches.of(features, features, np.array([1]), np.array([0]), np.array([0.25]), score=0.25)
    >>> matches.score, matches.points_a.tolist(), matches.points_b.tolist()
    (0.25, [[30.0, 40.0]], [[10.0, 20.0]])
    """

    rows_a: IntArray
    """(m,): index of each matched keypoint in the features of the first detection."""
    rows_b: IntArray
    """(m,): index in those of the second."""
    points_a: Float32Array
    """(m, 2): x and y in pixels of the first chip."""
    points_b: Float32Array
    """(m, 2): x and y in pixels of the second chip."""
    weights: Float32Array
    """(m,): evidence of each match, above 0."""
    score: float
    """Evidence of the pair: 0 if nothing is alike. It counts more than the weights if a method says so."""

    def __len__(self) -> int:
        return len(self.weights)

    def strongest(self, count: int) -> Matches:
        """The `count` matches of most weight; the score stays."""
        return replace(
            self,
            rows_a=self.rows_a[:count],
            rows_b=self.rows_b[:count],
            points_a=self.points_a[:count],
            points_b=self.points_b[:count],
            weights=self.weights[:count],
        )

    def swapped(self) -> Matches:
        """The same matches with the detections exchanged, in the same order."""
        return Matches(self.rows_b, self.rows_a, self.points_b, self.points_a, self.weights, self.score)

    @staticmethod
    def of(
        a: LocalFeatures,
        b: LocalFeatures,
        rows_a: IntArray,
        rows_b: IntArray,
        weights: FloatArray,
        *,
        score: float,
    ) -> Matches:
        """The matches of rows (m,) of two detections, ordered by weight; ties keep their order."""
        order = np.argsort(-weights, kind="stable")
        rows_a, rows_b = rows_a[order], rows_b[order]
        points_a, points_b = a.points[rows_a, :2], b.points[rows_b, :2]
        return Matches(rows_a, rows_b, points_a, points_b, weights[order].astype(np.float32), score)
