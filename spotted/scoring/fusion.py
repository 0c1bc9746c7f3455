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
    """Pairs that share marks first, by their local score; all others after them, by PRODUCT."""


def fuse(visual: Float32Array, feasibility: Float32Array, fusion: Fusion = Fusion.PRODUCT) -> Float32Array:
    """The fused score of each pair, float32.

    visual, feasibility: equal shapes, in [0, 1]; feasibility is NaN if unknown.
    If feasibility is unknown, PRODUCT falls back to the visual score, never a silent 0 or 1, and LOCATION
    scores 0. LOCAL is half of PRODUCT, the score of a pair without matched marks: see `put_marks_first`.
    CALIBRATED needs more than these two scores: see `Scoring`.
    """
    if fusion is Fusion.VISUAL:
        return visual
    unknown = np.isnan(feasibility)
    if fusion is Fusion.LOCATION:
        return np.where(unknown, np.float32(0.0), feasibility)
    product = np.where(unknown, visual, visual * feasibility)
    return product * np.float32(0.5) if fusion is Fusion.LOCAL else product


def put_marks_first(others: Float32Array, local: Float32Array) -> Float32Array:
    """The LOCAL score of pairs, of one shape.

    others: their score without marks, at most 0.5. local: at least 0, NaN of pairs that share no marks or
    were not matched, which score as they do without marks; the others score 0.5 to 1.

    >>> put_marks_first(np.float32([0.25, 0.25, 0.25]), np.float32([3.0, 0.0, np.nan])).tolist()
    [0.875, 0.25, 0.25]
    """
    half, one = np.float32(0.5), np.float32(1.0)
    with np.errstate(invalid="ignore"):
        shares = local > 0
        return np.where(shares, half + half * (local / (one + local)), others)
