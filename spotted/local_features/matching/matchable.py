"""The features of a detection, ready to be matched."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from spotted.arrays import Float32Array
from spotted.local_features.features import LocalFeatures


@dataclass(frozen=True, slots=True, eq=False)
class Matchable:
    """The features of a detection with what matching needs besides; made once, since that costs time.

    >>> import numpy as np
    >>> points = np.array([[10, 20, 3, 0]], dtype=np.float32)
    >>> features = LocalFeatures(points, np.zeros((1, 128), dtype=np.uint8), (700, 467))
    >>> Matchable.of(features, np.ones(1, dtype=np.float32)).limits.tolist()
    [1.0]
    """

    features: LocalFeatures
    """Keypoints and descriptors."""
    limits: Float32Array
    """(n,): squared distance of each descriptor to its normaliser; a match must be nearer."""
    key: bytes
    """Digest of the features, by which the two of a pair are put in order."""

    @staticmethod
    def of(features: LocalFeatures, limits: Float32Array) -> Matchable:
        """Features with their limits (n,), and the digest of the features."""
        return Matchable(features, limits, hashlib.sha256(features.to_bytes()).digest())


def in_order(a: Matchable, b: Matchable) -> tuple[Matchable, Matchable]:
    """Two detections in an order that does not depend on how they were passed: scores are symmetric."""
    return (b, a) if b.key < a.key else (a, b)
