"""Keypoints and descriptors by OpenCV's SIFT, compared as RootSIFT.

RootSIFT (Arandjelović and Zisserman 2012) takes square roots of the elements of a descriptor that sums to 1:
the Euclidean distance of two becomes the Hellinger distance of their histograms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from spotted.arrays import BoolArray, ByteArray, Float32Array
from spotted.local_features.chips import in_mask, make_chip
from spotted.local_features.features import PACKED_STEP, LocalFeatures, no_features
from spotted.local_features.methods import HOTSPOTTER, SIFT_LENGTH, MethodSpec

LARGEST_STEP = 15
# a mask keeps about one in this many keypoints
MASKED_SHARE = 3


@dataclass(frozen=True, slots=True)
class SiftExtractor:
    """SIFT on the brightness of a chip.

    >>> import numpy as np
    >>> picture = np.kron(np.random.default_rng(0).integers(0, 256, (9, 12, 1)), np.ones((9, 9, 3)))
    >>> features = SiftExtractor().extract(picture.astype(np.uint8))
    >>> len(features) > 50, features.size
    (True, (108, 81))
    """

    spec: MethodSpec = HOTSPOTTER
    """The method, with the largest size of the chip and the number of keypoints."""

    def extract(self, picture: ByteArray, mask: BoolArray | None = None) -> LocalFeatures:
        """The features of the crop of a detection, RGB (h, w, 3). mask (h, w): only keypoints in it count."""
        # pixels that are made up have keypoints too, among the strongest
        chip = make_chip(picture, self.spec.chip_size_px, enlarged=False)
        size = (chip.shape[1], chip.shape[0])
        grey = np.asarray(cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
        keypoints, descriptors = self._strongest(grey, mask)
        if not keypoints:
            return no_features(self.spec.dimension, size)
        # threads of OpenCV may find them in any order, and all that tie with the weakest are there
        order = sorted(range(len(keypoints)), key=lambda i: _rank(keypoints[i]))[: self.spec.most_points]
        points = np.array(
            [(*point.pt, point.size / 2.0, np.deg2rad(point.angle)) for point in keypoints], dtype=np.float32
        )
        return LocalFeatures(points[order], root_sift(descriptors[order]), size).rounded()

    def _strongest(
        self, grey: ByteArray, mask: BoolArray | None
    ) -> tuple[Sequence[cv2.KeyPoint], Float32Array]:
        """Keypoints of a grey chip among which are the strongest, in any order, and their descriptors."""
        size = (grey.shape[1], grey.shape[0])
        # describing all keypoints would cost more than finding them
        wanted = self.spec.most_points * (1 if mask is None else MASKED_SHARE)
        while True:
            found, descriptors = cv2.SIFT.create(wanted).detectAndCompute(grey, None)
            inside = [i for i, point in enumerate(found) if mask is None or in_mask(mask, point.pt, size)]
            if len(inside) >= self.spec.most_points or len(found) < wanted:
                break
            wanted *= MASKED_SHARE
        if not inside:
            return [], np.zeros((0, self.spec.dimension), dtype=np.float32)
        return [found[i] for i in inside], np.asarray(descriptors[inside], dtype=np.float32)


def _rank(point: cv2.KeyPoint) -> tuple[float, ...]:
    return (-point.response, *point.pt, point.size, point.angle)


def root_sift(descriptors: Float32Array) -> ByteArray:
    """RootSIFT (n, d) of SIFT (n, d): vectors of length 512 with elements in 16 steps, which pack well."""
    sums = np.maximum(descriptors.sum(axis=1, keepdims=True, dtype=np.float64), 1.0)
    steps = np.round(SIFT_LENGTH / PACKED_STEP * np.sqrt(descriptors / sums))
    return np.asarray(np.minimum(steps, LARGEST_STEP) * PACKED_STEP, dtype=np.uint8)
