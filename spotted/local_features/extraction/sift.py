"""Keypoints and descriptors by OpenCV's SIFT, compared as RootSIFT.

RootSIFT (Arandjelović and Zisserman 2012) takes square roots of the elements of a descriptor that sums to 1:
the Euclidean distance of two becomes the Hellinger distance of their histograms.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from spotted.arrays import BoolArray, ByteArray, Float32Array
from spotted.local_features.chips import in_mask, make_chip
from spotted.local_features.features import LocalFeatures, no_features
from spotted.local_features.methods import HOTSPOTTER, SIFT_LENGTH, MethodSpec

LARGEST_BYTE = 255


@dataclass(frozen=True, slots=True)
class SiftExtractor:
    """SIFT on the brightness of a chip.

    >>> import numpy as np
    >>> picture = np.kron(np.random.default_rng(0).integers(0, 256, (9, 12, 1)), np.ones((9, 9, 3)))
    >>> features = SiftExtractor().extract(picture.astype(np.uint8))
    >>> len(features) > 50, features.size
    (True, (700, 525))
    """

    spec: MethodSpec = HOTSPOTTER
    """The method, with the size of the chip and the number of keypoints."""

    def extract(self, picture: ByteArray, mask: BoolArray | None = None) -> LocalFeatures:
        """The features of the crop of a detection, RGB (h, w, 3). mask (h, w): only keypoints in it count."""
        chip = make_chip(picture, self.spec.chip_size_px)
        size = (chip.shape[1], chip.shape[0])
        grey = cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY)
        keypoints, descriptors = cv2.SIFT_create().detectAndCompute(grey, None)
        if not keypoints:
            return no_features(self.spec.dimension, size)
        points = np.array(
            [(*point.pt, point.size / 2.0, np.deg2rad(point.angle)) for point in keypoints], dtype=np.float32
        )
        strengths = np.array([point.response for point in keypoints])
        kept = np.ones(len(points), dtype=np.bool_)
        if mask is not None:
            kept = in_mask(mask, points[:, 0], points[:, 1], size)
        # threads of OpenCV may find them in any order
        order = np.lexsort((points[:, 3], points[:, 2], points[:, 1], points[:, 0], -strengths))
        chosen = order[kept[order]][: self.spec.most_points]
        return LocalFeatures(points[chosen], root_sift(descriptors[chosen]), size).rounded()


def root_sift(descriptors: Float32Array) -> ByteArray:
    """RootSIFT (n, d) as bytes of vectors of length 512, of SIFT (n, d)."""
    sums = np.maximum(descriptors.sum(axis=1, keepdims=True, dtype=np.float64), 1.0)
    return np.minimum(np.round(SIFT_LENGTH * np.sqrt(descriptors / sums)), LARGEST_BYTE).astype(np.uint8)
