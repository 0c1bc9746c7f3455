"""Visual similarity and feasibility combined into one score (Spotted: the product).

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import enum

import numpy as np

from spotted.arrays import Float32Array

# by trial on composites, as docs/research/local-features.md says
MARKS_UNIT = 0.1


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
    """As PRODUCT, but looks are visual similarity with matched marks: see `count_marks`."""


def fuse(visual: Float32Array, feasibility: Float32Array, fusion: Fusion = Fusion.PRODUCT) -> Float32Array:
    """The fused score of each pair, float32.

    visual, feasibility: equal shapes, in [0, 1]; feasibility is NaN if unknown.
    If feasibility is unknown, PRODUCT falls back to the visual score, never a silent 0 or 1, and LOCATION
    scores 0. LOCAL is PRODUCT; its `visual` is that of `count_marks`.
    CALIBRATED needs more than these two scores: see `Scoring`.
    """
    if fusion is Fusion.VISUAL:
        return visual
    unknown = np.isnan(feasibility)
    if fusion is Fusion.LOCATION:
        return np.where(unknown, np.float32(0.0), feasibility)
    return np.where(unknown, visual, visual * feasibility)


def count_marks(visual: Float32Array, local: Float32Array) -> Float32Array:
    """How much the animals of each pair look alike, by vectors and by marks, float32.

    visual: in [0, 1]. local: at least 0, NaN of pairs that share no marks or were not matched, which keep
    their visual similarity. The doubt that the vectors leave shrinks by e for each `MARKS_UNIT` of the local
    score, so either kind of evidence suffices, and no pair looks less alike for having been matched.

    >>> count_marks(np.float32([0.6, 0.6, 0.6]), np.float32([0.1, 0.3, np.nan])).round(3)
    array([0.853, 0.98 , 0.6  ], dtype=float32)
    """
    with np.errstate(invalid="ignore"):
        doubt = np.exp(local * np.float32(-1.0 / MARKS_UNIT))
        return np.where(local > 0, np.float32(1.0) - (np.float32(1.0) - visual) * doubt, visual)
