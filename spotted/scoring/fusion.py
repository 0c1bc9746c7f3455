"""Visual similarity and feasibility combined into one score (Spotted: the product).

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import enum

import numpy as np

from spotted.arrays import Float32Array


class Fusion(enum.IntEnum):
    """The score that candidates are ranked by; the values are those of `spotted.v1.Fusion`.

    >>> visual, feasibility = np.float32([0.8, 0.8]), np.float32([0.5, np.nan])
    >>> fuse(visual, feasibility, Fusion.PRODUCT)
    array([0.4, 0.8], dtype=float32)
    """

    PRODUCT = 1
    """Visual similarity times feasibility (the paper's)."""
    VISUAL = 2
    """Only visual similarity."""
    LOCATION = 3
    """Only feasibility."""
    CALIBRATED = 4
    """A probability, by a calibration fitted to labels."""
    LOCAL = 5
    """As PRODUCT, but looks are visual similarity with matched marks: see `calibration.looks`."""


def fuse(visual: Float32Array, feasibility: Float32Array, fusion: Fusion = Fusion.PRODUCT) -> Float32Array:
    """The fused score of each pair, float32.

    visual, feasibility: equal shapes, in [0, 1]; feasibility is NaN if unknown.
    If feasibility is unknown, PRODUCT falls back to the visual score, never a silent 0 or 1, and LOCATION
    scores 0. LOCAL is PRODUCT; its `visual` is that of `calibration.looks`.
    CALIBRATED needs more than these two scores: see `Scoring`.
    """
    if fusion is Fusion.VISUAL:
        return visual
    unknown = np.isnan(feasibility)
    if fusion is Fusion.LOCATION:
        return np.where(unknown, np.float32(0.0), feasibility)
    return np.where(unknown, visual, visual * feasibility)
