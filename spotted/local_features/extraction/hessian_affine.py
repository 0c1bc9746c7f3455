"""Hessian-affine keypoints with SIFT, as HotSpotter's own detector finds and describes them (pyhesaff).

A keypoint is kept as the circle of its ellipse's area; the descriptor is of the ellipse. Keypoints are
upright, as WBIA's. The package says nothing of their strength, so the largest are kept.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from types import ModuleType

import numpy as np

from spotted.arrays import BoolArray, ByteArray
from spotted.errors import PreconditionError
from spotted.local_features.chips import in_mask, make_chip
from spotted.local_features.extraction.sift import root_sift
from spotted.local_features.features import LocalFeatures, no_features
from spotted.local_features.methods import HOTSPOTTER, HOTSPOTTER_AFFINE, MethodSpec


@dataclass(frozen=True, slots=True)
class HessianAffineExtractor:
    """Hessian-affine keypoints of a chip. `extract` raises PreconditionError without the package pyhesaff.

    >>> HessianAffineExtractor().spec.name
    'hotspotter-affine'
    """

    spec: MethodSpec = HOTSPOTTER_AFFINE
    """The method, with the largest size of the chip and the number of keypoints."""

    def extract(self, picture: ByteArray, mask: BoolArray | None = None) -> LocalFeatures:
        """The features of the crop of a detection, RGB (h, w, 3). mask (h, w): only keypoints in it count."""
        chip = make_chip(picture, self.spec.chip_size_px, enlarged=False)
        size = (chip.shape[1], chip.shape[0])
        # columns: x, y, the inverse shape (a, c, d), which maps the unit circle to the ellipse, and the angle
        found, descriptors = _detector().detect_feats_in_image(np.ascontiguousarray(chip[:, :, ::-1]))
        inside = [i for i, (x, y) in enumerate(found[:, :2]) if mask is None or in_mask(mask, (x, y), size)]
        if not inside:
            return no_features(self.spec.dimension, size)
        found, descriptors = found[inside], descriptors[inside].astype(np.float32)
        radius = np.sqrt(found[:, 2] * found[:, 4])
        order = np.lexsort((*found.T[::-1], -radius))[: self.spec.most_points]
        points = np.stack([found[:, 0], found[:, 1], radius, found[:, 5]], axis=1).astype(np.float32)
        return LocalFeatures(points[order], root_sift(descriptors[order]), size).rounded()


@cache
def _detector() -> ModuleType:
    try:
        return importlib.import_module("pyhesaff")
    except ImportError as error:
        raise PreconditionError(
            f"the local method {HOTSPOTTER_AFFINE.name!r} needs the package pyhesaff ({error}); install the "
            f"extra `hesaff`, or use {HOTSPOTTER.name!r}"
        ) from error
