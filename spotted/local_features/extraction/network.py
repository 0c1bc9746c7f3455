"""Keypoints and descriptors by a network, such as ALIKED or DISK."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import onnxruntime

from spotted.arrays import BoolArray, ByteArray
from spotted.local_features.chips import make_chip
from spotted.local_features.features import LocalFeatures, no_features
from spotted.local_features.methods import MethodSpec
from spotted.local_features.quantisation import quantise


@dataclass(frozen=True, slots=True, eq=False)
class NetworkExtractor:
    """A network as `manifests` describes it; its keypoints have no scale and no angle.

    >>> import numpy as np
    >>> class Corner:  # stands for an onnxruntime session
    ...     def run(self, outputs, inputs):
    ...         return np.float32([[3, 4], [9, 9]]), np.float32([0.5, 0]), np.eye(2, 64, dtype=np.float32)
    >>> spec = MethodSpec("corner", "network", "lnbnn", 320, 256, 64)
    >>> NetworkExtractor(spec, Corner()).extract(np.zeros((60, 80, 3), np.uint8)).points.round().tolist()
    [[3.0, 4.0, 1.0, 0.0]]
    """

    spec: MethodSpec
    """The method of the features."""
    session: onnxruntime.InferenceSession
    """The network."""

    def extract(self, picture: ByteArray, mask: BoolArray | None = None) -> LocalFeatures:
        """The features of the crop of a detection, RGB (h, w, 3). mask (h, w): only keypoints in it count."""
        edge = self.spec.chip_size_px
        chip = make_chip(picture, edge)
        height, width = chip.shape[:2]
        border = (0, edge - height, 0, edge - width)
        pixels = cv2.copyMakeBorder(chip, *border, cv2.BORDER_REPLICATE)
        valid = np.zeros((edge, edge), dtype=np.uint8)
        valid[:height, :width] = 1 if mask is None else _resized(mask, (width, height))
        points, strengths, descriptors = self.session.run(
            ["points", "strengths", "descriptors"], {"pixels": pixels[None], "valid": valid[None]}
        )
        order = np.lexsort((points[:, 1], points[:, 0], -strengths))
        chosen = order[strengths[order] > 0.0][: self.spec.most_points]
        if not len(chosen):
            return no_features(self.spec.dimension, (width, height))
        rows = np.ones((len(chosen), 4), dtype=np.float32)
        rows[:, :2], rows[:, 3] = points[chosen], 0.0
        return LocalFeatures(rows, quantise(descriptors[chosen]), (width, height)).rounded()


def _resized(mask: BoolArray, size: tuple[int, int]) -> ByteArray:
    return np.asarray(
        cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST), dtype=np.uint8
    )
