"""Visual similarity and feasibility as one score (Spotted: the product)."""

from __future__ import annotations

import enum

import numpy as np

from spotted.arrays import Float32Array


class Fusion(enum.IntEnum):
    """Which score ranks; the values are those of `spotted.v1.Fusion`."""

    PRODUCT = 1
    VISUAL = 2
    LOCATION = 3
    CALIBRATED = 4


def fuse(visual: Float32Array, feasibility: Float32Array, fusion: Fusion = Fusion.PRODUCT) -> Float32Array:
    """The fused score of each pair, float32.

    visual, feasibility: equal shapes, in [0, 1]; feasibility NaN where unknown.
    PRODUCT falls back to the visual score where feasibility is unknown (ours): never a silent 0 or 1.
    LOCATION puts the unknown last (ours). CALIBRATED needs more than these two: see `pair_scores`.
    """
    if fusion is Fusion.VISUAL:
        return visual
    unknown = np.isnan(feasibility)
    if fusion is Fusion.LOCATION:
        return np.where(unknown, np.float32(0.0), feasibility)
    return np.where(unknown, visual, visual * feasibility)
